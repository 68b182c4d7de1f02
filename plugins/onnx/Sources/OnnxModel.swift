import Kernels
import ONNX
import PluginKit
import Tensors

/// A model of the ONNX engine, as the server sees it.
///
/// Called from any threads at once: all it holds is constant, and a session runs concurrently.
final class OnnxModel: InferenceModel {
  /// Rows the server may stack for a model whose rows are proven to be independent.
  private static let maximumBatch = 32

  let signature: ModelSignature
  private let session: Session
  private let threads: HostThreads

  init(path: String, configuration: String, host: ModelHost) throws {
    threads = HostThreads(host)
    let parameters = try ModelParameters(configuration)
    let file = try ModelFolder(path, file: parameters.file)
    do {
      let engine = Engine(
        kernels: .forInstructionSet(.detect(limit: host.instructionSet)), team: threads.team,
        precision: parameters.precision)
      session = try Session(path: file.modelPath, options: SessionOptions(engine: engine))
    } catch let error as ONNXError {
      throw ModelError(error)
    }
    let labels = ModelLabels(try file.labels() ?? ModelLabels.texts(of: session.metadata))
    signature = ModelSignature(
      inputs: session.inputs.map { PluginKit.TensorDescription($0, labels: []) },
      outputs: session.outputs.map { PluginKit.TensorDescription($0, labels: labels.labels(for: $0)) },
      maximumBatch: session.isBatchable ? OnnxModel.maximumBatch : 1, concurrency: .concurrent,
      isSafeToRetry: true, platform: "onnx_onnxv1")
  }

  func execute(_ batch: Batch) throws -> Completion {
    var views: [InputView] = []
    views.reserveCapacity(session.inputs.count)
    for index in session.inputs.indices { views.append(try InputView(try batch.input(index))) }
    do {
      try session.run(
        views,
        output: { index, datatype, shape in
          guard let type = ElementType(datatype),
            let memory = try batch.output(session.outputs[index].name, type, shape).bytes.baseAddress
          else {
            throw ModelError(
              .outOfMemory, "no memory for output '\(session.outputs[index].name)' of shape \(shape)")
          }
          return memory
        },
        texts: { index, size in
          // The server must see the bytes until it has sent them, longer than the run keeps its own.
          guard let memory = batch.bytes(count: size) else {
            throw ModelError(
              .outOfMemory, "no memory for \(size) bytes of output '\(session.outputs[index].name)'")
          }
          return UnsafeMutableRawPointer(memory)
        })
    } catch let error as ONNXError {
      throw ModelError(error)
    }
    return .done
  }
}

extension InputView {
  init(_ tensor: InputTensor) throws(ModelError) {
    guard let datatype = Datatype(rawValue: tensor.elementType.rawValue), let data = tensor.bytes.baseAddress
    else {
      throw ModelError(.invalidArgument, "input '\(tensor.name)' has no elements")
    }
    self.init(datatype: datatype, shape: Shape(tensor.dimensions), data: data)
  }
}

extension ElementType {
  /// Both number their cases as the ABI does.
  init?(_ datatype: Datatype) { self.init(rawValue: datatype.rawValue) }
}

extension PluginKit.TensorDescription {
  init(_ description: ONNX.TensorDescription, labels: [String]) {
    self.init(
      description.name, ElementType(description.datatype) ?? .float32, Array(description.shape),
      labels: labels)
  }
}

extension ModelError {
  init(_ error: ONNXError) {
    let status: Status =
      switch error.kind {
      case .unreadable: .notFound
      case .unsupported: .unsupported
      case .outOfMemory: .outOfMemory
      case .malformed, .invalid, .limit, .argument: .invalidArgument
      }
    self.init(status, error.message)
  }
}

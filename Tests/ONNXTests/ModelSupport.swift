import Foundation
import Kernels
import ONNX
import Tensors
import TestSupport

/// A model in a folder of its own, loaded.
struct LoadedModel {
  let folder: TemporaryFolder
  let session: Session

  init(_ builder: OnnxModelBuilder, options: SessionOptions = .testing) throws {
    folder = try TemporaryFolder()
    session = try Session(path: try folder.write("model.onnx", Data(builder.bytes())), options: options)
  }

  /// The message that loading `builder` is refused with; nil when it loads.
  static func refusal(_ builder: OnnxModelBuilder) throws -> String? {
    do {
      _ = try LoadedModel(builder)
      return nil
    } catch let error as ONNXError {
      return error.message
    }
  }
}

/// Runs one operator on tensors; those named in `constants` are initializers of the model.
func evaluate(
  _ type: String, _ inputs: [Tensor], _ attributes: [String: OnnxModelBuilder.Attribute] = [:],
  opset: Int = 17,
  constants: Set<Int> = []
) throws -> Tensor {
  var model = OnnxModelBuilder(opset: opset)
  var names: [String] = []
  var given: [Tensor] = []
  for (index, tensor) in inputs.enumerated() {
    names.append("x\(index)")
    if constants.contains(index) {
      if tensor.datatype == .int64 {
        model.initializer(
          "x\(index)", Array(tensor.shape), integers: tensor.elements(as: Int64.self).map { Int($0) })
      } else {
        model.initializer("x\(index)", Array(tensor.shape), floats: Array(tensor.elements(as: Float.self)))
      }
    } else {
      model.input("x\(index)", tensor.datatype, Array(tensor.shape))
      given.append(tensor)
    }
  }
  model.node(type, names, ["y"], name: "node", attributes)
  model.output("y")
  return try LoadedModel(model).session.run(given)[0]
}

/// Runs one operator, whose outputs have these datatypes, on tensors that all are inputs of the model.
func outputs(
  _ type: String, _ inputs: [Tensor], _ datatypes: [Datatype],
  _ attributes: [String: OnnxModelBuilder.Attribute] = [:],
  opset: Int = 20, domain: String = ""
) throws -> [Tensor] {
  var model = OnnxModelBuilder(opset: opset)
  if !domain.isEmpty { model.domains[domain] = 3 }
  for (index, tensor) in inputs.enumerated() {
    model.input("x\(index)", tensor.datatype, Array(tensor.shape))
  }
  let names = datatypes.indices.map { "y\($0)" }
  model.node(type, inputs.indices.map { "x\($0)" }, names, name: "node", domain: domain, attributes)
  for (name, datatype) in zip(names, datatypes) { model.output(name, datatype) }
  return try LoadedModel(model).session.run(inputs)
}

extension Tensor {
  /// A tensor of these texts.
  static func texts(_ values: [String], _ shape: Shape) -> Tensor {
    let bytes = values.map { Array($0.utf8) }
    let payload = TensorMemory(byteCount: bytes.reduce(0) { $0 + $1.count })!
    let tensor = Tensor(name: "", datatype: .bytes, shape: shape)!
    var next = payload.base.assumingMemoryBound(to: UInt8.self)
    for (index, text) in bytes.enumerated() {
      for (place, byte) in text.enumerated() { next[place] = byte }
      tensor.elements(as: BytesElement.self)[index] = BytesElement(data: next, count: text.count)
      next += text.count
    }
    return Tensor(name: "", datatype: .bytes, shape: shape, memory: tensor.memory, payload: payload)
  }

  /// A tensor of BOOL.
  static func bools(_ values: [Bool], _ shape: Shape) -> Tensor {
    let tensor = Tensor(name: "", datatype: .bool, shape: shape)!
    for (index, value) in values.enumerated() { tensor.elements(as: UInt8.self)[index] = value ? 1 : 0 }
    return tensor
  }

  var textValues: [String] {
    elements(as: BytesElement.self).map { String(decoding: $0.bytes, as: UTF8.self) }
  }
  var byteValues: [Int] { elements(as: UInt8.self).map { Int($0) } }

  var floatValues: [Float] { Array(elements(as: Float.self)) }
  var intValues: [Int] { elements(as: Int64.self).map { Int($0) } }
}

import FuzzDriver
import Glibc
import PluginHost
import Tensors

@testable import InferenceAPI

/// Models that requests are read for: plain values, strings, several inputs, an optional one.
let models: [[TensorSpec]] = [
  [TensorSpec(name: "x", datatype: .fp32, shape: [-1])],
  [TensorSpec(name: "x", datatype: .int8, shape: [-1, 2, 2])],
  [TensorSpec(name: "s", datatype: .bytes, shape: [-1])],
  [
    TensorSpec(name: "a", datatype: .fp64, shape: [-1, -1]),
    TensorSpec(name: "b", datatype: .uint64, shape: [-1]),
  ],
  [
    TensorSpec(name: "a", datatype: .bool, shape: [-1]),
    TensorSpec(name: "b", datatype: .bytes, shape: [-1, -1], isOptional: true),
  ],
]

func check(_ request: PredictRequest, _ inputs: [TensorSpec]) {
  precondition(request.inputs.count <= inputs.count)
  let rows = request.inputs.first?.shape.first
  for tensor in request.inputs {
    guard let spec = inputs.first(where: { $0.name == tensor.name }) else {
      preconditionFailure("an input that the model has not")
    }
    precondition(tensor.datatype == spec.datatype)
    precondition(tensor.shape.elementCount.map { $0 * tensor.datatype.byteCount } == tensor.byteCount)
    if request.format == .rows { precondition(tensor.shape.first == rows, "columns of different lengths") }
    guard tensor.datatype == .bytes else { continue }
    // Each byte is touched, so that the sanitizer sees one that is not there.
    withExtendedLifetime(tensor) {
      for element in tensor.elements(as: BytesElement.self) { _ = element.bytes.reduce(0, &+) }
    }
  }
}

/// The first byte chooses the model; the rest is the text.
exit(
  fuzz { input in
    guard let choice = input.first else { return }
    let inputs = models[Int(choice) % models.count]
    let description = ModelDescription(inputs: inputs, outputs: [], maximumBatch: 8, concurrency: .serial)
    // Its own memory, so that the sanitizer knows where the text ends.
    let text = UnsafeMutableRawBufferPointer.allocate(byteCount: input.count - 1, alignment: 1)
    defer { text.deallocate() }
    text.copyMemory(from: UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(input)[1...]))
    var reader = PredictRequestReader(
      text: UnsafeRawBufferPointer(text), description: description, limits: APILimits())
    do throws(APIFailure) {
      check(try reader.read(), inputs)
    } catch {
      precondition((400..<500).contains(error.status) || error.status == 503, "\(error)")
      precondition(!error.message.isEmpty, "a refusal without words")
    }
  })

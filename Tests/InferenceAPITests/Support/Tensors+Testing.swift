import PluginHost
import Tensors

/// Runs `body` with the bytes of `text`.
func withBytes<Result>(
  of text: String, _ body: (UnsafeMutableRawBufferPointer) throws -> Result
) rethrows -> Result {
  var bytes = Array(text.utf8)
  return try bytes.withUnsafeMutableBytes { try body($0) }
}

func floats(_ name: String, _ shape: Shape, _ values: [Float]) -> Tensor {
  let tensor = Tensor(name: name, datatype: .fp32, shape: shape)!
  for (index, value) in values.enumerated() { tensor.elements(as: Float.self)[index] = value }
  return tensor
}

func integers(_ name: String, _ shape: Shape, _ values: [Int32]) -> Tensor {
  let tensor = Tensor(name: name, datatype: .int32, shape: shape)!
  for (index, value) in values.enumerated() { tensor.elements(as: Int32.self)[index] = value }
  return tensor
}

func strings(_ name: String, _ shape: Shape, _ values: [String]) -> Tensor {
  let payload = TensorMemory(byteCount: values.reduce(0) { $0 + $1.utf8.count })!
  let memory = TensorMemory(byteCount: values.count * Datatype.bytes.byteCount)!
  let tensor = Tensor(name: name, datatype: .bytes, shape: shape, memory: memory, payload: payload)
  var free = payload.base.assumingMemoryBound(to: UInt8.self)
  for (index, value) in values.enumerated() {
    for (offset, byte) in value.utf8.enumerated() { free[offset] = byte }
    tensor.elements(as: BytesElement.self)[index] = BytesElement(data: free, count: value.utf8.count)
    free += value.utf8.count
  }
  return tensor
}

extension Tensor {
  var floatValues: [Float] { Array(elements(as: Float.self)) }
  var stringValues: [String] {
    elements(as: BytesElement.self).map { String(decoding: $0.bytes, as: UTF8.self) }
  }
}

func describe(
  inputs: [TensorSpec], outputs: [TensorSpec] = [], maximumBatch: Int = 8
) -> ModelDescription {
  ModelDescription(inputs: inputs, outputs: outputs, maximumBatch: maximumBatch, concurrency: .concurrent)
}

func spec(_ name: String, _ datatype: Datatype, _ shape: Shape) -> TensorSpec {
  TensorSpec(name: name, datatype: datatype, shape: shape)
}

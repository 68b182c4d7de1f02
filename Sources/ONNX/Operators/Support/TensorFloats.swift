import Tensors

extension Tensor {
  /// All elements as FP32; none of a tensor of texts.
  func floats() -> [Float] {
    if datatype == .bytes { return [] }
    return [Float](unsafeUninitializedCapacity: elementCount) { buffer, count in
      count = elementCount
      guard let base = buffer.baseAddress else { return }
      if datatype == .fp32 {
        base.update(from: data.assumingMemoryBound(to: Float.self), count: count)
      } else {
        ElementConversion.convert(data, datatype, base, .fp32, count: count)
      }
    }
  }
}

extension EvaluationRequest {
  /// A tensor of numbers that are FP32 here and rounded to the datatype.
  func tensor(_ datatype: Datatype, _ shape: Shape, floats values: [Float]) throws -> Value {
    let tensor = try Tensor.make(datatype, shape, engine.limits)
    precondition(values.count == tensor.elementCount, "another number of elements")
    values.withUnsafeBytes { source in
      if let base = source.baseAddress {
        ElementConversion.convert(base, .fp32, tensor.data, datatype, count: values.count)
      }
    }
    return .tensor(tensor)
  }
}

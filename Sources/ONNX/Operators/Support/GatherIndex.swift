import Tensors

/// Indices as ONNX has them, negative ones from the end.
enum GatherIndex {
  /// `index` as a place in 0..<count.
  static func place(_ index: Int, _ count: Int) throws -> Int {
    guard index >= -count, index < count else {
      throw ONNXError(.argument, "index \(index) is outside -\(count)…\(count - 1)")
    }
    return index < 0 ? index + count : index
  }
}

extension EvaluationRequest {
  /// A tensor of indices, of INT32 or INT64.
  func indices(_ index: Int) throws -> Tensor {
    try require(index, [.int32, .int64])
    return try input(index)
  }
}

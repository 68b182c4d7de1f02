import Tensors

/// The ONNX operator SplitToSequence.
struct SplitToSequence: Evaluation {
  static let description = OperatorDescription(
    "SplitToSequence", inputs: 1...2, support: "all datatypes"
  ) { reader in
    SplitToSequence(
      axis: try reader.int("axis", default: 0), keepsAxis: try reader.flag("keepdims", default: true))
  }

  let name = "SplitToSequence"
  let axis: Int
  let keepsAxis: Bool

  func evaluate(_ node: EvaluationRequest) throws -> [Value?] {
    let x = try node.input(0)
    let axis = try normalizedAxis(axis, rank: x.shape.rank)
    let length = x.shape[axis]
    guard length <= node.engine.limits.sequence else {
      throw ONNXError(.limit, "a sequence of more than \(node.engine.limits.sequence) elements")
    }
    guard node.has(1) else {
      return [
        .sequence(
          try (0..<length).map { index in
            .tensor(
              keepsAxis
                ? try node.slices(of: x, axis: axis, from: index, count: 1)
                : try node.slice(of: x, axis: axis, at: index))
          })
      ]
    }
    let sizes = try sizes(node, length)
    var parts: [Value] = []
    var start = 0
    for size in sizes {
      parts.append(.tensor(try node.slices(of: x, axis: axis, from: start, count: size)))
      start += size
    }
    return [.sequence(parts)]
  }

  private func sizes(_ node: EvaluationRequest, _ length: Int) throws -> [Int] {
    let given = try node.integers(1)
    if try node.input(1).shape.rank == 0 {
      guard given[0] > 0 else { throw ONNXError(.argument, "parts of \(given[0])") }
      return stride(from: 0, to: length, by: given[0]).map { min(given[0], length - $0) }
    }
    guard given.allSatisfy({ $0 >= 0 && $0 <= length }), given.reduce(0, +) == length else {
      throw ONNXError(.argument, "parts \(given.prefix(16)) of \(length)")
    }
    return given
  }
}

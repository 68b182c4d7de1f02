import Tensors

/// The ONNX operator ConcatFromSequence.
struct ConcatFromSequence: Evaluation {
  static let description = OperatorDescription(
    "ConcatFromSequence", inputs: 1...1, support: "all datatypes"
  ) { reader in
    ConcatFromSequence(
      axis: try reader.required("axis", try reader.int("axis")),
      addsAxis: try reader.flag("new_axis", default: false))
  }

  let name = "ConcatFromSequence"
  let axis: Int
  let addsAxis: Bool

  func evaluate(_ node: EvaluationRequest) throws -> [Value?] {
    let tensors = try node.sequence(0).enumerated().map { try $1.tensor("element \($0)") }
    guard let first = tensors.first else { throw ONNXError(.argument, "a sequence without elements") }
    let place = try normalizedAxis(axis, rank: first.shape.rank + (addsAxis ? 1 : 0))
    return [
      .tensor(addsAxis ? try node.stacked(tensors, axis: place) : try node.joined(tensors, axis: place))
    ]
  }
}

/// The ONNX operator SequenceAt.
struct SequenceAt: Evaluation {
  static let description = OperatorDescription(
    "SequenceAt", inputs: 2...2, support: "tensors of all datatypes"
  ) { _ in SequenceAt() }

  let name = "SequenceAt"

  func evaluate(_ node: EvaluationRequest) throws -> [Value?] {
    let values = try node.sequence(0)
    guard let index = try node.integer(1) else { throw ONNXError(.invalid, "the position is missing") }
    return [values[try GatherIndex.place(index, values.count)]]
  }
}

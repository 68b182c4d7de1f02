/// The ONNX operator SequenceErase.
struct SequenceErase: Evaluation {
  static let description = OperatorDescription(
    "SequenceErase", inputs: 1...2, support: "tensors of all datatypes"
  ) { _ in SequenceErase() }

  let name = "SequenceErase"

  func evaluate(_ node: EvaluationRequest) throws -> [Value?] {
    var values = try node.sequence(0)
    values.remove(at: try GatherIndex.place(try node.integer(1) ?? values.count - 1, values.count))
    return [.sequence(values)]
  }
}

/// The ONNX operator SequenceConstruct.
struct SequenceConstruct: Evaluation {
  static let description = OperatorDescription(
    "SequenceConstruct", inputs: 1...Int.max, support: "tensors of all datatypes"
  ) { _ in SequenceConstruct() }

  let name = "SequenceConstruct"

  func evaluate(_ node: EvaluationRequest) throws -> [Value?] {
    [.sequence(try node.inputs.indices.map { try node.value($0) })]
  }
}

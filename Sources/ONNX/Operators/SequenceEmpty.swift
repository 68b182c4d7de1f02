/// The ONNX operator SequenceEmpty.
struct SequenceEmpty: Evaluation {
  static let description = OperatorDescription(
    "SequenceEmpty", inputs: 0...0, support: "tensors of all datatypes"
  ) { _ in SequenceEmpty() }

  let name = "SequenceEmpty"

  func evaluate(_ node: EvaluationRequest) throws -> [Value?] { [.sequence([])] }
}

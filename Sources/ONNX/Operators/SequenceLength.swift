import Tensors

/// The ONNX operator SequenceLength.
struct SequenceLength: Evaluation {
  static let description = OperatorDescription(
    "SequenceLength", inputs: 1...1, support: "tensors of all datatypes"
  ) { _ in SequenceLength() }

  let name = "SequenceLength"

  func evaluate(_ node: EvaluationRequest) throws -> [Value?] {
    [try node.tensor(.int64, [], integers: [try node.sequence(0).count])]
  }
}

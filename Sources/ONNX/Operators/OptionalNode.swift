/// The ONNX operator Optional.
struct OptionalNode: Evaluation {
  static let description = OperatorDescription("Optional", inputs: 0...1, support: "all values") { _ in
    OptionalNode()
  }

  let name = "Optional"

  func evaluate(_ node: EvaluationRequest) throws -> [Value?] { [node.has(0) ? try node.value(0) : .nothing] }
}

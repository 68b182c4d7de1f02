/// The ONNX operator OptionalGetElement.
struct OptionalGetElement: Evaluation {
  static let description = OperatorDescription("OptionalGetElement", inputs: 1...1, support: "all values") {
    _ in
    OptionalGetElement()
  }

  let name = "OptionalGetElement"

  func evaluate(_ node: EvaluationRequest) throws -> [Value?] {
    let value = try node.value(0)
    if case .nothing = value { throw ONNXError(.argument, "the optional is empty") }
    return [value]
  }
}

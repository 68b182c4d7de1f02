import Tensors

/// The ONNX operator OptionalHasElement.
struct OptionalHasElement: Evaluation {
  static let description = OperatorDescription("OptionalHasElement", inputs: 0...1, support: "all values") {
    _ in
    OptionalHasElement()
  }

  let name = "OptionalHasElement"

  func evaluate(_ node: EvaluationRequest) throws -> [Value?] {
    guard node.has(0) else { return [try node.tensor([], bools: [false])] }
    if case .nothing = try node.value(0) { return [try node.tensor([], bools: [false])] }
    return [try node.tensor([], bools: [true])]
  }
}

/// The ONNX operator Identity.
struct Identity: Operation {
  static let description = OperatorDescription("Identity", inputs: 1...1, support: "all datatypes") { _ in
    Identity()
  }

  let name = "Identity"

  func infer(_ node: NodeFacts) throws -> [TensorFact] { [try node.input(0)] }

  func step(_ node: StepRequest) throws -> Step { try .view(node) }
}

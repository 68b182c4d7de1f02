/// The ONNX operator Flatten: all axes before one into the first dimension, the others into the second.
struct Flatten: Operation {
  static let description = OperatorDescription("Flatten", inputs: 1...1, support: "all datatypes") { reader in
    Flatten(axis: try reader.int("axis", default: 1))
  }

  let name = "Flatten"
  let axis: Int

  func infer(_ node: NodeFacts) throws -> [TensorFact] {
    let x = try node.input(0)
    guard axis >= -x.rank, axis <= x.rank else {
      throw ONNXError(.invalid, "axis \(axis) is outside -\(x.rank)…\(x.rank)")
    }
    let place = axis < 0 ? axis + x.rank : axis
    let dimensions = [
      try Dimension.product(x.dimensions[..<place]), try Dimension.product(x.dimensions[place...]),
    ]
    return [ReshapeRule.fact(x, dimensions)]
  }

  func step(_ node: StepRequest) throws -> Step { try .view(node) }
}

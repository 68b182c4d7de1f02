import Tensors

/// The ONNX operator Size: how many elements a tensor has.
struct Size: Operation {
  static let description = OperatorDescription("Size", inputs: 1...1, support: "all datatypes") { _ in Size()
  }

  let name = "Size"
  var readsElements: Bool { false }

  func infer(_ node: NodeFacts) throws -> [TensorFact] {
    let x = try node.input(0)
    let product = try Dimension.product(x.dimensions)
    var fact = TensorFact(.int64, [], rows: product.contains(.batch) ? .mixed : .shared)
    fact.elements = [product]
    return [fact]
  }

  func step(_ node: StepRequest) throws -> Step {
    let x = try node.input(0)
    let y = try node.output()
    return Step { memory in memory.elements(y, as: Int64.self)[0] = Int64(x.count) }
  }
}

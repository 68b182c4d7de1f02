import Tensors

/// The ONNX operator Where: elements of one tensor or the other, by a condition.
struct Where: Operation {
  static let description = OperatorDescription("Where", inputs: 3...3, support: "all datatypes; broadcasting")
  { _ in
    Where()
  }

  let name = "Where"

  func infer(_ node: NodeFacts) throws -> [TensorFact] {
    try node.require(0, .bool)
    try node.requireSameDatatype(1..<3)
    let facts = [try node.input(0), try node.input(1), try node.input(2)]
    let dimensions = try Broadcasting.dimensions(facts, node)
    return [TensorFact(facts[1].datatype, dimensions, rows: Broadcasting.rows(facts, output: dimensions))]
  }

  func step(_ node: StepRequest) throws -> Step {
    switch try node.output().datatype.byteCount {
    case 1: try step(node, UInt8.self)
    case 2: try step(node, UInt16.self)
    case 4: try step(node, UInt32.self)
    case 8: try step(node, UInt64.self)
    default: try step(node, SIMD2<UInt64>.self)
    }
  }

  private func step<Element: Sendable>(_ node: StepRequest, _: Element.Type) throws -> Step {
    let (condition, a, b) = (try node.input(0), try node.input(1), try node.input(2))
    let y = try node.output()
    let places = (
      BroadcastIndex(condition.shape, to: y.shape), BroadcastIndex(a.shape, to: y.shape),
      BroadcastIndex(b.shape, to: y.shape)
    )
    return Step { memory in
      let chosen = memory.elements(condition, as: UInt8.self)
      let left = memory.elements(a, as: Element.self)
      let right = memory.elements(b, as: Element.self)
      let target = memory.elements(y, as: Element.self)
      for index in 0..<y.count {
        target[index] = chosen[places.0[index]] != 0 ? left[places.1[index]] : right[places.2[index]]
      }
    }
  }
}

import Tensors

/// The ONNX operator Equal.
struct Equal: Operation {
  static let description = OperatorDescription(
    "Equal", inputs: 2...2, support: "all datatypes but FP16, BF16 and BYTES; broadcasting"
  ) { _ in Equal() }

  let name = "Equal"

  func infer(_ node: NodeFacts) throws -> [TensorFact] {
    try node.requireSameDatatype(0..<2)
    try node.require(0, BinaryArithmetic.datatypes + [.bool])
    let facts = [try node.input(0), try node.input(1)]
    let dimensions = try Broadcasting.dimensions(facts, node)
    return [TensorFact(.bool, dimensions, rows: Broadcasting.rows(facts, output: dimensions))]
  }

  func step(_ node: StepRequest) throws -> Step {
    switch try node.input(0).datatype {
    case .fp32: try step(node, Float.self)
    case .fp64: try step(node, Double.self)
    case .bool, .uint8, .int8: try step(node, UInt8.self)
    case .uint16, .int16: try step(node, UInt16.self)
    case .uint32, .int32: try step(node, UInt32.self)
    default: try step(node, UInt64.self)
    }
  }

  private func step<Element: Equatable & Sendable>(_ node: StepRequest, _: Element.Type) throws -> Step {
    let (a, b) = (try node.input(0), try node.input(1))
    let y = try node.output()
    let places = (BroadcastIndex(a.shape, to: y.shape), BroadcastIndex(b.shape, to: y.shape))
    return Step { memory in
      let left = memory.elements(a, as: Element.self)
      let right = memory.elements(b, as: Element.self)
      let target = memory.elements(y, as: UInt8.self)
      for index in 0..<y.count { target[index] = left[places.0[index]] == right[places.1[index]] ? 1 : 0 }
    }
  }
}

import Tensors

/// The ONNX operator BitShift. A shift by a negative number, or by all bits or more, leaves what the sign
/// fills in.
struct BitShift: Operation {
  static let description = OperatorDescription(
    "BitShift", inputs: 2...2, support: "all integers; broadcasting"
  ) { reader in
    let direction = try reader.required("direction", try reader.string("direction"))
    guard direction == "LEFT" || direction == "RIGHT" else {
      throw ONNXError(.invalid, "direction '\(direction)', expected LEFT or RIGHT")
    }
    return BitShift(isLeft: direction == "LEFT")
  }

  let name = "BitShift"
  let isLeft: Bool

  func infer(_ node: NodeFacts) throws -> [TensorFact] {
    try node.requireSameDatatype(0..<2)
    try node.require(0, Datatype.integers)
    let facts = [try node.input(0), try node.input(1)]
    let dimensions = try Broadcasting.dimensions(facts, node)
    return [TensorFact(facts[0].datatype, dimensions, rows: Broadcasting.rows(facts, output: dimensions))]
  }

  func step(_ node: StepRequest) throws -> Step {
    switch try node.input(0).datatype {
    case .uint8: try step(node, UInt8.self)
    case .uint16: try step(node, UInt16.self)
    case .uint32: try step(node, UInt32.self)
    case .uint64: try step(node, UInt64.self)
    case .int8: try step(node, Int8.self)
    case .int16: try step(node, Int16.self)
    case .int32: try step(node, Int32.self)
    default: try step(node, Int64.self)
    }
  }

  private func step<Element: FixedWidthInteger & Sendable>(_ node: StepRequest, _: Element.Type) throws
    -> Step
  {
    let isLeft = isLeft
    return try PairLoop.step(node) { (a: Element, b: Element) -> Element in
      guard b >= 0, b < Element.bitWidth else { return !isLeft && a < 0 ? ~0 : 0 }
      return isLeft ? a << b : a >> b
    }
  }
}

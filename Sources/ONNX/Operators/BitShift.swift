import Tensors

/// The ONNX operator BitShift.
struct BitShift: Operation {
  static let description = OperatorDescription(
    "BitShift", inputs: 2...2, support: "UINT8 to UINT64; broadcasting"
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
    try node.require(0, .uint8, .uint16, .uint32, .uint64)
    let facts = [try node.input(0), try node.input(1)]
    let dimensions = try Broadcasting.dimensions(facts, node)
    return [TensorFact(facts[0].datatype, dimensions, rows: Broadcasting.rows(facts, output: dimensions))]
  }

  func step(_ node: StepRequest) throws -> Step {
    switch try node.input(0).datatype.byteCount {
    case 1: try step(node, UInt8.self)
    case 2: try step(node, UInt16.self)
    case 4: try step(node, UInt32.self)
    default: try step(node, UInt64.self)
    }
  }

  private func step<Element: FixedWidthInteger & Sendable>(_ node: StepRequest, _: Element.Type) throws -> Step {
    let isLeft = isLeft
    return try PairLoop.step(node) { (a: Element, b: Element) -> Element in isLeft ? a << b : a >> b }
  }
}

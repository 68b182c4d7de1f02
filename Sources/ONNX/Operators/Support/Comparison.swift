import Tensors

/// The ONNX operators Equal, Less, Greater, LessOrEqual and GreaterOrEqual, with broadcasting.
struct Comparison: Operation {
  enum Relation: Sendable { case equal, less, greater, lessOrEqual, greaterOrEqual }

  let name: String
  let relation: Relation
  /// How much of an older operator's broadcasting is asked for.
  let placement: LegacyBroadcast

  static func description(_ type: String, _ relation: Relation) -> OperatorDescription {
    OperatorDescription(
      type, inputs: 2...2,
      support: relation == .equal ? "all datatypes; broadcasting" : "all datatypes but BYTES; broadcasting"
    ) { reader in Comparison(name: type, relation: relation, placement: try LegacyBroadcast(reader)) }
  }

  func infer(_ node: NodeFacts) throws -> [TensorFact] {
    try node.requireSameDatatype(0..<2)
    if relation != .equal { try node.require(0, Datatype.allCases.filter { $0 != .bytes }) }
    let facts = [try node.input(0), placement.placed(try node.input(1), in: try node.input(0))]
    let dimensions = try Broadcasting.dimensions(facts, node)
    return [TensorFact(.bool, dimensions, rows: Broadcasting.rows(facts, output: dimensions))]
  }

  func step(_ node: StepRequest) throws -> Step {
    switch try node.input(0).datatype {
    case .fp32: try step(node, Float.self)
    case .fp64: try step(node, Double.self)
    case .bool, .uint8: try step(node, UInt8.self)
    case .int8: try step(node, Int8.self)
    case .uint16: try step(node, UInt16.self)
    case .int16: try step(node, Int16.self)
    case .uint32: try step(node, UInt32.self)
    case .int32: try step(node, Int32.self)
    case .uint64: try step(node, UInt64.self)
    case .int64: try step(node, Int64.self)
    case .fp16: try halfStep(node) { FP16(bits: $0).float }
    case .bf16: try halfStep(node) { BF16(bits: $0).float }
    case .bytes: try textStep(node)
    }
  }

  private func holds<Element: Comparable>(_ a: Element, _ b: Element) -> Bool {
    switch relation {
    case .equal: a == b
    case .less: a < b
    case .greater: a > b
    case .lessOrEqual: a <= b
    case .greaterOrEqual: a >= b
    }
  }

  private func step<Element: Comparable & Sendable>(_ node: StepRequest, _: Element.Type) throws -> Step {
    try PairLoop.step(node, placement) { (a: Element, b: Element) -> UInt8 in holds(a, b) ? 1 : 0 }
  }

  private func halfStep(_ node: StepRequest, _ value: @escaping @Sendable (UInt16) -> Float) throws -> Step {
    try PairLoop.step(node, placement) { (a: UInt16, b: UInt16) -> UInt8 in holds(value(a), value(b)) ? 1 : 0
    }
  }

  private func textStep(_ node: StepRequest) throws -> Step {
    try PairLoop.step(node, placement) { (a: BytesElement, b: BytesElement) -> UInt8 in
      a.count == b.count && a.bytes.elementsEqual(b.bytes) ? 1 : 0
    }
  }
}

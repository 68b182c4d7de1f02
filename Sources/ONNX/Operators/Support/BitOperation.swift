import Tensors

/// Operators on the bits or truth values of two tensors, with broadcasting: And, Or, Xor and the
/// bitwise ones.
struct BitOperation: Operation {
  enum Kind: Sendable { case and, or, exclusiveOr }

  let name: String
  let kind: Kind
  let datatypes: [Datatype]
  let placement: LegacyBroadcast

  static func logical(_ type: String, _ kind: Kind) -> OperatorDescription {
    OperatorDescription(type, inputs: 2...2, support: "BOOL; broadcasting") { reader in
      BitOperation(name: type, kind: kind, datatypes: [.bool], placement: try LegacyBroadcast(reader))
    }
  }

  static func bitwise(_ type: String, _ kind: Kind) -> OperatorDescription {
    OperatorDescription(type, inputs: 2...2, support: "all integers; broadcasting") { _ in
      BitOperation(name: type, kind: kind, datatypes: Datatype.integers, placement: .none)
    }
  }

  func infer(_ node: NodeFacts) throws -> [TensorFact] {
    try node.requireSameDatatype(0..<2)
    try node.require(0, datatypes)
    let facts = [try node.input(0), placement.placed(try node.input(1), in: try node.input(0))]
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

  private func step<Element: FixedWidthInteger & Sendable>(_ node: StepRequest, _: Element.Type) throws
    -> Step
  {
    switch kind {
    case .and: try PairLoop.step(node, placement) { (a: Element, b: Element) in a & b }
    case .or: try PairLoop.step(node, placement) { (a: Element, b: Element) in a | b }
    case .exclusiveOr: try PairLoop.step(node, placement) { (a: Element, b: Element) in a ^ b }
    }
  }
}

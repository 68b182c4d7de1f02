import Glibc
import Tensors

/// The ONNX operator Mod: the remainder with the divisor's sign, or with `fmod` the dividend's.
struct Mod: Operation {
  static let description = OperatorDescription(
    "Mod", inputs: 2...2, support: "all numbers; broadcasting"
  ) { reader in Mod(takesDividendSign: try reader.flag("fmod", default: false)) }

  let name = "Mod"
  let takesDividendSign: Bool
  var computesInFloat: Bool { true }

  func infer(_ node: NodeFacts) throws -> [TensorFact] {
    try node.requireSameDatatype(0..<2)
    try node.require(0, Datatype.integers + [.fp32, .fp64])
    let facts = [try node.input(0), try node.input(1)]
    let dimensions = try Broadcasting.dimensions(facts, node)
    return [TensorFact(facts[0].datatype, dimensions, rows: Broadcasting.rows(facts, output: dimensions))]
  }

  func step(_ node: StepRequest) throws -> Step {
    switch try node.input(0).datatype {
    case .fp32: try floatStep(node, Float.self)
    case .fp64: try floatStep(node, Double.self)
    case .int8: try step(node, Int8.self)
    case .int16: try step(node, Int16.self)
    case .int32: try step(node, Int32.self)
    case .int64: try step(node, Int64.self)
    case .uint8: try step(node, UInt8.self)
    case .uint16: try step(node, UInt16.self)
    case .uint32: try step(node, UInt32.self)
    default: try step(node, UInt64.self)
    }
  }

  private func step<Element: FixedWidthInteger & Sendable>(_ node: StepRequest, _: Element.Type) throws
    -> Step
  {
    let takesDividendSign = takesDividendSign
    return try PairLoop.step(node) { (a: Element, b: Element) -> Element in
      // As division by zero does, its remainder gives 0.
      if b == 0 { return 0 }
      let rest = a.remainderReportingOverflow(dividingBy: b).partialValue
      return takesDividendSign || rest == 0 || (rest < 0) == (b < 0) ? rest : rest &+ b
    }
  }

  private func floatStep<Element: BinaryFloatingPoint & Sendable>(_ node: StepRequest, _: Element.Type) throws
    -> Step
  {
    let takesDividendSign = takesDividendSign
    return try PairLoop.step(node) { (a: Element, b: Element) -> Element in
      let rest = a.truncatingRemainder(dividingBy: b)
      return takesDividendSign || rest == 0 || (rest < 0) == (b < 0) ? rest : rest + b
    }
  }
}

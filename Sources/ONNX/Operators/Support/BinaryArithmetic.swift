import Glibc
import Kernels
import Tensors

/// Arithmetic of two tensors with NumPy's broadcasting. FP32 runs on the kernels; FP64 and integers
/// element by element, integers wrapping around, division by zero giving 0.
struct BinaryArithmetic: Operation {
  let name: String
  let operation: BinaryOperation
  var placement = LegacyBroadcast.none

  static let datatypes: [Datatype] = [
    .fp32, .fp64, .int8, .int16, .int32, .int64, .uint8, .uint16, .uint32, .uint64,
  ]

  var computesInFloat: Bool { true }

  func infer(_ node: NodeFacts) throws -> [TensorFact] {
    let a = try node.input(0)
    let b = placement.placed(try node.input(1), in: a)
    try node.requireSameDatatype(0..<2)
    try node.require(0, BinaryArithmetic.datatypes)
    let dimensions = try Broadcasting.dimensions([a, b], node)
    var fact = TensorFact(a.datatype, dimensions, rows: Broadcasting.rows([a, b], output: dimensions))
    fact.elements = elements(a, b, rank: dimensions.count)
    return [fact]
  }

  /// Products and exact quotients of sizes, which reshapes are computed from.
  private func elements(_ a: TensorFact, _ b: TensorFact, rank: Int) -> [Dimension]? {
    guard a.datatype == .int64 || a.datatype == .int32, rank <= 1, let left = a.contents,
      let right = b.contents,
      left.count == right.count || left.count == 1 || right.count == 1
    else { return nil }
    var result: [Dimension] = []
    for index in 0..<max(left.count, right.count) {
      let x = left[left.count == 1 ? 0 : index]
      let y = right[right.count == 1 ? 0 : index]
      guard let value = element(x, y) else { return nil }
      result.append(value)
    }
    return result
  }

  private func element(_ x: Dimension, _ y: Dimension) -> Dimension? {
    switch operation {
    case .multiply: return x.multiplied(by: y)
    case .divide: return y.known.map { $0 > 0 } ?? false ? x.divided(by: y) : nil
    case .add: return x.known == 0 ? y : y.known == 0 ? x : nil
    case .subtract: return y.known == 0 ? x : nil
    default: return nil
    }
  }

  func step(_ node: StepRequest) throws -> Step {
    let a = try node.input(0)
    let b = try node.input(1).reshaped { placement.placed($0, in: a.shape.rank) }
    let y = try node.output()
    switch a.datatype {
    case .fp32: return floatStep(a, b, y)
    case .fp64: return loop(a, b, y, double)
    case .int8: return loop(a, b, y, integer(Int8.self))
    case .int16: return loop(a, b, y, integer(Int16.self))
    case .int32: return loop(a, b, y, integer(Int32.self))
    case .int64: return loop(a, b, y, integer(Int64.self))
    case .uint8: return loop(a, b, y, integer(UInt8.self))
    case .uint16: return loop(a, b, y, integer(UInt16.self))
    case .uint32: return loop(a, b, y, integer(UInt32.self))
    default: return loop(a, b, y, integer(UInt64.self))
    }
  }

  private func inPlaceInput(_ a: Operand, _ b: Operand, _ y: Operand) -> Int? {
    a.shape == y.shape ? 0 : b.shape == y.shape ? 1 : nil
  }

  private func floatStep(_ a: Operand, _ b: Operand, _ y: Operand) -> Step {
    let operation = operation
    if a.shape == b.shape {
      return Step(inPlaceInput: 0) { memory in
        memory.kernels.binary(
          operation, memory.floats(a), memory.floats(b), memory.floats(y), count: y.count, team: memory.team)
      }
    }
    return Step(inPlaceInput: inPlaceInput(a, b, y)) { memory in
      if y.count == 0 { return }
      memory.kernels.binary(
        operation, memory.floats(a), shape: a.shape, memory.floats(b), shape: b.shape, memory.floats(y),
        shape: y.shape, team: memory.team)
    }
  }

  private func loop<Element>(
    _ a: Operand, _ b: Operand, _ y: Operand, _ function: @escaping @Sendable (Element, Element) -> Element
  ) -> Step {
    let left = BroadcastIndex(a.shape, to: y.shape)
    let right = BroadcastIndex(b.shape, to: y.shape)
    return Step(inPlaceInput: inPlaceInput(a, b, y)) { memory in
      let x = memory.elements(a, as: Element.self)
      let z = memory.elements(b, as: Element.self)
      let result = memory.elements(y, as: Element.self)
      for index in 0..<y.count { result[index] = function(x[left[index]], z[right[index]]) }
    }
  }

  private var double: @Sendable (Double, Double) -> Double {
    switch operation {
    case .add: { $0 + $1 }
    case .subtract: { $0 - $1 }
    case .multiply: { $0 * $1 }
    case .divide: { $0 / $1 }
    case .maximum: { $0.isNaN || $1.isNaN ? .nan : max($0, $1) }
    case .minimum: { $0.isNaN || $1.isNaN ? .nan : min($0, $1) }
    case .power: { pow($0, $1) }
    }
  }

  private func integer<Element: FixedWidthInteger & Sendable>(
    _: Element.Type
  ) -> @Sendable (Element, Element) -> Element {
    switch operation {
    case .add: { $0 &+ $1 }
    case .subtract: { $0 &- $1 }
    case .multiply: { $0 &* $1 }
    case .divide: { $1 == 0 ? 0 : $0.dividedReportingOverflow(by: $1).partialValue }
    case .maximum: { max($0, $1) }
    case .minimum: { min($0, $1) }
    case .power: { BinaryArithmetic.power($0, $1) }
    }
  }

  static func power<Element: FixedWidthInteger & Sendable>(_ base: Element, _ exponent: Element)
    -> Element
  {
    if exponent < 0 { return base == 1 ? 1 : 0 }
    var result: Element = 1
    var factor = base
    var rest = exponent
    while rest > 0 {
      if rest & 1 == 1 { result = result &* factor }
      factor = factor &* factor
      rest >>= 1
    }
    return result
  }

  static func description(_ type: String, _ operation: BinaryOperation) -> OperatorDescription {
    OperatorDescription(type, inputs: 2...2, support: "FP16, BF16, FP32, FP64, all integers; broadcasting") {
      reader in
      BinaryArithmetic(name: type, operation: operation, placement: try LegacyBroadcast(reader))
    }
  }
}

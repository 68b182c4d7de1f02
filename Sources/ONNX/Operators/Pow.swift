import Glibc
import Kernels
import Tensors

/// The ONNX operator Pow. Base and exponent may have different datatypes; the result has the base's.
struct Pow: Operation {
  static let description = OperatorDescription(
    "Pow", inputs: 2...2, support: "all numbers, also of different datatypes; broadcasting"
  ) { reader in Pow(placement: try LegacyBroadcast(reader)) }

  let name = "Pow"
  let placement: LegacyBroadcast
  private var arithmetic: BinaryArithmetic {
    BinaryArithmetic(name: "Pow", operation: .power, placement: placement)
  }

  func infer(_ node: NodeFacts) throws -> [TensorFact] {
    let (base, exponent) = (try node.input(0), try node.input(1))
    if base.datatype == exponent.datatype, BinaryArithmetic.datatypes.contains(base.datatype) {
      return try arithmetic.infer(node)
    }
    for index in 0..<2 { try node.require(index, Datatype.integers + Datatype.floats) }
    let facts = [base, placement.placed(exponent, in: base)]
    let dimensions = try Broadcasting.dimensions(facts, node)
    return [TensorFact(base.datatype, dimensions, rows: Broadcasting.rows(facts, output: dimensions))]
  }

  func step(_ node: StepRequest) throws -> Step {
    let (base, exponent) = (try node.input(0), try node.input(1))
    if base.datatype == exponent.datatype, BinaryArithmetic.datatypes.contains(base.datatype) {
      return try arithmetic.step(node)
    }
    if let exact = try exactStep(node) { return exact }
    let y = try node.output()
    let left = BroadcastIndex(base.shape, to: y.shape)
    let right = BroadcastIndex(placement.placed(exponent.shape, in: base.shape.rank), to: y.shape)
    return Step { memory in
      let (x, z, target) = (memory[base], memory[exponent], memory[y])
      for index in 0..<y.count {
        var result = pow(
          Self.number(x, base.datatype, left[index]), Self.number(z, exponent.datatype, right[index]))
        ElementConversion.convert(&result, .fp64, target + index * y.datatype.byteCount, y.datatype, count: 1)
      }
    }
  }

  private static func number(_ elements: UnsafeRawPointer, _ datatype: Datatype, _ index: Int) -> Double {
    var value = 0.0
    ElementConversion.convert(elements + index * datatype.byteCount, datatype, &value, .fp64, count: 1)
    return value
  }
  /// A power of integers by integers of another datatype, which doubles would round.
  private func exactStep(_ node: StepRequest) throws -> Step? {
    let (base, exponent) = (try node.input(0), try node.input(1))
    guard base.datatype == .int64, exponent.datatype == .int32 else { return nil }
    return try PairLoop.step(node, placement) { (a: Int64, b: Int32) in BinaryArithmetic.power(a, Int64(b)) }
  }
}

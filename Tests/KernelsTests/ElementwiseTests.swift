import Kernels
import Tensors
import Testing

@Suite struct ElementwiseTests {
  /// The operations, and the bound of their error: ULP where the value is normal, and a part of |x| beside.
  static let unary: [(operation: UnaryOperation, ulp: Float, absolute: Float)] = [
    (.exp, 3, 0), (.log, 3, 2e-7), (.erf, 4, 0), (.sqrt, 0, 0), (.negate, 0, 0), (.absolute, 0, 0),
    (.reciprocal, 1, 0), (.floor, 0, 0), (.ceiling, 0, 0), (.activation(.none), 0, 0),
    (.activation(.relu), 0, 0),
    (.activation(.clip(low: -1, high: 2)), 0, 0), (.activation(.leakyRelu(slope: 0.01)), 1, 0),
    (.activation(.sigmoid), 4, 0), (.activation(.tanh), 4, 0), (.activation(.gelu), 24, 1e-37),
    (.activation(.geluTanh), 4, 1e-6), (.activation(.silu), 5, Float.leastNormalMagnitude),
    (.activation(.hardSigmoid(slope: 0.2, offset: 0.5)), 2, 1e-7), (.activation(.hardSwish), 3, 1e-6),
    (.sin, 3, 0), (.cos, 3, 0),
  ]

  /// Values of every size, dense where the functions bend, and the special ones.
  private func samples(_ random: inout Randomness) -> Floats {
    var values: [Float] = [
      0, -0.0, 1, -1, .infinity, -.infinity, .nan, .leastNormalMagnitude, 88.7, 89, -87, -104,
    ]
    for _ in 0..<3000 { values.append(random.float(-12...12)) }
    for _ in 0..<1000 { values.append(random.float(-1...1)) }
    for _ in 0..<500 { values.append(random.float(-1e6...1e6)) }
    for _ in 0..<500 { values.append(Float(bitPattern: UInt32(truncatingIfNeeded: random.next()))) }
    return Floats(values.count, misaligned: true) { values[$0] }
  }

  @Test(arguments: unary.indices)
  func functionsStayWithinTheirBounds(index: Int) {
    var random = Randomness.seeded()
    let (operation, ulp, absolute) = Self.unary[index]
    let x = samples(&random)
    let expected = Floats(x.count)
    Reference.unary(operation, x.base, expected.base, count: x.count)
    for table in tables {
      let result = Floats(x.count)
      table.unary(operation, x.base, result.base, count: x.count, team: .single)
      // Without fused multiply-add, sums round more often.
      let slack: Float = table.instructionSet == .portable ? 6 : 1
      for position in 0..<x.count {
        let (input, got, wanted) = (x.base[position], result.base[position], expected.base[position])
        if got == wanted || got.isNaN && wanted.isNaN { continue }
        let bound = slack * (ulp * wanted.ulp + absolute * abs(input)) + Float.leastNormalMagnitude
        #expect(
          abs(got - wanted) <= bound,
          "\(operation)(\(input)) at \(table.instructionSet): \(got), not \(wanted)")
      }
    }
  }

  @Test func everyLengthIsWrittenExactly() {
    var random = Randomness.seeded()
    for count in 0...70 {
      let x = Floats(count, &random)
      let expected = Floats(count)
      Reference.unary(.negate, x.base, expected.base, count: count)
      for table in tables {
        let result = Floats(count, misaligned: true)
        table.unary(.negate, x.base, result.base, count: count, team: .single)
        #expect(difference(result, expected, tolerance: 0) == nil)
      }
    }
  }

  @Test func binaryOperationsBroadcastAsTheReference() {
    var random = Randomness.seeded()
    let pool = ThreadPool(workerCount: 1)
    for _ in 0..<150 {
      let rank = random.int(0...4)
      let extents = (0..<rank).map { _ in random.pick([0, 1, 2, 3, 5, 17, 40]) }
      func operand() -> Shape {
        Shape(extents.map { random.int(0...3) == 0 ? 1 : $0 }.dropFirst(random.int(0...rank)))
      }
      let (aShape, bShape) = (operand(), operand())
      guard let yShape = aShape.broadcast(with: bShape), let count = yShape.elementCount else {
        Issue.record("\(aShape) and \(bShape) broadcast")
        continue
      }
      let a = Floats(aShape.elementCount ?? 0, &random, 0.1...2)
      let b = Floats(bShape.elementCount ?? 0, &random, 0.1...2)
      if a.count > 2 { a.base[2] = .nan }
      let operation = random.pick(BinaryOperation.allCases)
      let expected = Floats(count)
      Reference.binary(operation, a.base, shape: aShape, b.base, shape: bShape, expected.base, shape: yShape)
      for table in tables {
        let result = Floats(count)
        table.binary(
          operation, a.base, shape: aShape, b.base, shape: bShape, result.base, shape: yShape,
          team: ThreadTeam(pool))
        let found = difference(result, expected, tolerance: 0, relative: operation == .power ? 1e-6 : 2e-7)
        #expect(found == nil, "\(operation), \(table.instructionSet), \(aShape) and \(bShape)")
      }
    }
  }

  @Test func shapesThatDoNotFitDoNotBroadcast() {
    #expect(Shape([2, 3]).broadcast(with: [2]) == nil)
    #expect(Shape([2, 1]).broadcast(with: [3]) == [2, 3])
    #expect(Shape([0]).broadcast(with: [1]) == [0])
  }
}

import Kernels
import Testing

/// Bytes at any address, with guards that a kernel must not write.
final class Bytes {
  let count: Int
  let base: UnsafeMutablePointer<UInt8>
  private let memory: UnsafeMutableRawPointer
  private static let guardCount = 64
  private static let guardValue: UInt8 = 0xA5

  init(_ count: Int, offset: Int = 0, _ value: (Int) -> UInt8 = { _ in 0xEE }) {
    self.count = count
    let whole = count + 2 * Bytes.guardCount + 16
    memory = .allocate(byteCount: whole, alignment: 64)
    let all = memory.assumingMemoryBound(to: UInt8.self)
    for index in 0..<whole { all[index] = Bytes.guardValue }
    base = all + Bytes.guardCount + offset
    for index in 0..<count { base[index] = value(index) }
  }

  convenience init(_ count: Int, _ random: inout Randomness) {
    self.init(count, offset: random.int(0...15))
    for index in 0..<count { base[index] = UInt8(truncatingIfNeeded: random.next() >> 32) }
    // The extremes, where sums of products of bytes would saturate first.
    for _ in 0..<(count / 4) { base[random.int(0...(count - 1))] = random.pick([0, 0x7F, 0x80, 0xFF]) }
  }

  deinit { memory.deallocate() }

  var guardsAreIntact: Bool {
    (1...Bytes.guardCount).allSatisfy { base[-$0] == Bytes.guardValue }
      && (0..<48).allSatisfy { base[count + $0] == Bytes.guardValue }
  }

  var array: [UInt8] { Array(UnsafeBufferPointer(start: base, count: count)) }

  func matrix(isSigned: Bool, _ zeroPoint: ZeroPoint) -> IntegerMatrix {
    isSigned
      ? IntegerMatrix(
        UnsafeRawPointer(base).assumingMemoryBound(to: Int8.self), zeroPoint: zeroPoint)
      : IntegerMatrix(base, zeroPoint: zeroPoint)
  }
}

/// Numbers for zero points and biases.
final class Integers {
  let count: Int
  let base: UnsafeMutablePointer<Int32>

  init(_ count: Int, _ random: inout Randomness, _ range: ClosedRange<Int>) {
    self.count = count
    base = .allocate(capacity: max(count, 1))
    for index in 0..<count { base[index] = Int32(random.int(range)) }
  }

  deinit { base.deallocate() }
}

/// A product of integers with everything drawn by chance, and its operands.
private struct Case {
  var shape: MatmulShape
  let a: Bytes
  let b: Bytes
  let left: IntegerMatrix
  let right: IntegerMatrix
  let bias: Floats?
  let integerBias: Integers?
  let columnScales: Floats?
  /// Keeps the pointers of `left` and `right` alive.
  private let zeroPoints: [Integers]

  /// - Parameter bits: of B's values, as signed ones. The pairs of seven-bit ones are at the bound that some kernels set.
  init(_ random: inout Randomness, sizes: [Int], bits: Int = 8) {
    let (m, n, k) = (random.pick(sizes), random.pick(sizes), random.pick(sizes))
    shape = MatmulShape(m: m, n: n, k: k, transposeB: random.bool())
    shape.strideA += random.pick([0, 0, 5])
    shape.strideB += random.pick([0, 0, 3])
    shape.strideC += random.pick([0, 0, 7])
    a = Bytes(m * shape.strideA, &random)
    b = Bytes((shape.transposeB ? n : k) * shape.strideB, &random)
    let (aSigned, bSigned) = (random.bool(), random.pick([true, true, false]))
    if bits == 7 {
      for index in 0..<b.count {
        let value = UInt8(bitPattern: Int8(bitPattern: b.base[index]) >> 1)
        b.base[index] = bSigned ? value : value ^ 0x80
      }
    }
    let (aRange, bRange) = (aSigned ? -128...127 : 0...255, bSigned ? -128...127 : 0...255)
    zeroPoints = [Integers(max(m, 1), &random, aRange), Integers(max(n, 1), &random, bRange)]
    let (rows, columns) = (zeroPoints[0], zeroPoints[1])
    left = a.matrix(
      isSigned: aSigned, random.bool() ? .uniform(rows.base[0]) : .each(UnsafePointer(rows.base)))
    right = b.matrix(
      isSigned: bSigned,
      random.pick([.uniform(0), .uniform(columns.base[0]), .each(UnsafePointer(columns.base))]))
    bias = random.bool() ? Floats(n, &random) : nil
    integerBias = random.bool() ? Integers(n, &random, -50_000...50_000) : nil
    columnScales = random.bool() ? Floats(n, &random, 0.5...1.5) : nil
  }

  /// Sums are multiplied so that most results lie within a byte, and some beyond it.
  var scale: IntegerScale {
    IntegerScale(
      0.02 / Float(max(shape.k, 1)), columnScales: columnScales.map { UnsafePointer($0.base) })
  }

  var requantization: Requantization {
    Requantization(
      zeroPoint: left.isSigned ? 3 : 130, isSigned: left.isSigned,
      bias: integerBias.map { UnsafePointer($0.base) }, range: bias == nil ? nil : 10...100)
  }

  var epilogue: Epilogue {
    Epilogue(columnBias: bias.map { UnsafePointer($0.base) }, activation: bias == nil ? .none : .gelu)
  }
}

@Suite struct IntegerTests {
  @Test(arguments: 0..<3)
  func productsEqualTheReferenceAtEveryLevel(round: Int) {
    var random = Randomness.seeded()
    let pool = ThreadPool(workerCount: 2)
    let sizes = [0, 1, 2, 3, 4, 5, 6, 7, 8, 13, 14, 15, 16, 17, 31, 32, 33, 47, 64, 65, 100]
    for _ in 0..<40 { check(Case(&random, sizes: sizes), random.bool() ? .single : ThreadTeam(pool)) }
  }

  @Test func narrowProductsEqualTheReferenceAtEveryLevel() {
    var random = Randomness.seeded()
    let pool = ThreadPool(workerCount: 2)
    let sizes = [0, 1, 2, 3, 4, 5, 6, 7, 8, 13, 16, 17, 33, 65, 100]
    for _ in 0..<60 {
      check(Case(&random, sizes: sizes, bits: 7), random.bool() ? .single : ThreadTeam(pool))
    }
  }

  /// Sums of pairs at the bound of a 16-bit integer: those of bytes must not saturate where such kernels are chosen.
  @Test(arguments: [
    [64, 64], [-64, -64], [-128, 0], [1, 127], [65, 64], [127, 127], [-128, -128], [0, -128],
  ])
  func pairsAtTheBoundDoNotSaturate(pair: [Int]) {
    let shape = MatmulShape(m: 7, n: 19, k: 6)
    let a = Bytes(shape.m * shape.k) { _ in 255 }
    for isSigned in [true, false] {
      let b = Bytes(shape.k * shape.n) { index in
        UInt8(bitPattern: Int8(pair[index / shape.n % 2])) ^ (isSigned ? 0 : 0x80)
      }
      let expected = Int32(255 * 3 * (pair[0] + pair[1]))
      for table in tables {
        let right = b.matrix(isSigned: isSigned, .uniform(isSigned ? 0 : 128))
        let packed = PackedIntegerMatrix(right, k: shape.k, n: shape.n, table: table)
        let sums = UnsafeMutablePointer<Int32>.allocate(capacity: shape.m * shape.n)
        defer { sums.deallocate() }
        let scratch = Scratch(table.integerMatmulScratchByteCount(shape, packed: true, team: .single))
        table.integerMatmul(
          shape, a: a.matrix(isSigned: false, .uniform(0)), b: packed, output: .sums(sums),
          scratch: scratch.pointer, team: .single)
        let wrong = (0..<(shape.m * shape.n)).filter { sums[$0] != expected }
        #expect(
          wrong.isEmpty, "\(table.instructionSet), \(pair), signed \(isSigned): \(sums[0]), not \(expected)")
      }
    }
  }

  @Test func largeProductsEqualTheReferenceOnSeveralThreads() {
    var random = Randomness.seeded()
    let pool = ThreadPool(workerCount: 3)
    for sizes in [[97, 130], [33, 260]] { check(Case(&random, sizes: sizes), ThreadTeam(pool)) }
  }

  private func check(_ test: Case, _ team: ThreadTeam) {
    let count = test.shape.m * test.shape.strideC
    let (sums, floats, bytes) = (Bytes(4 * count), Floats(count), Bytes(count))
    run(test, sums, floats, bytes) { output in
      Reference.integerMatmul(test.shape, a: test.left, b: test.right, output: output)
    }
    for table in tables {
      let packed = PackedIntegerMatrix(
        test.right, k: test.shape.k, n: test.shape.n, stride: test.shape.strideB,
        transposed: test.shape.transposeB, table: table)
      for isPacked in [true, false] {
        let scratch = Scratch(table.integerMatmulScratchByteCount(test.shape, packed: isPacked, team: team))
        let results = (Bytes(4 * count), Floats(count), Bytes(count))
        run(test, results.0, results.1, results.2) { output in
          if isPacked {
            table.integerMatmul(
              test.shape, a: test.left, b: packed, output: output, scratch: scratch.pointer, team: team)
          } else {
            table.integerMatmul(
              test.shape, a: test.left, b: test.right, output: output, scratch: scratch.pointer, team: team)
          }
        }
        let name: Comment =
          "\(table.instructionSet), VNNI \(table.usesVNNI), packed \(isPacked), \(test.shape)"
        #expect(results.0.guardsAreIntact && results.0.array == sums.array, name)
        #expect(difference(results.1, floats, tolerance: 1e-5, relative: 2e-5) == nil, name)
        #expect(results.2.guardsAreIntact && results.2.array == bytes.array, name)
      }
    }
  }

  private func run(
    _ test: Case, _ sums: Bytes, _ floats: Floats, _ bytes: Bytes, _ multiply: (IntegerOutput) -> Void
  ) {
    // An Int32 needs its alignment, which `Bytes` without an offset has.
    multiply(.sums(UnsafeMutableRawPointer(sums.base).assumingMemoryBound(to: Int32.self)))
    multiply(.floats(floats.base, test.scale, test.epilogue))
    multiply(.quantized(bytes.base, test.scale, test.requantization))
  }

  @Test func dynamicProductsAreThoseOfTheQuantisedActivations() {
    var random = Randomness.seeded()
    let pool = ThreadPool(workerCount: 2)
    for round in 0..<40 {
      let (m, n, k) = (random.int(1...40), random.int(1...80), random.int(0...90))
      var shape = MatmulShape(m: m, n: n, k: k)
      if round % 3 == 0 { shape.strideA += 4 }
      let a = Floats(m * shape.strideA, &random, round % 2 == 0 ? 0.5...2 : -3...1)
      if shape.strideA > k { for row in 0..<m { a.base[row * shape.strideA + k] = 1000 } }
      let b = Bytes(k * n, &random)
      if round % 2 == 0 {
        for index in 0..<b.count { b.base[index] = UInt8(bitPattern: Int8(bitPattern: b.base[index]) >> 1) }
      }
      let zeroPoints = Integers(n, &random, -20...20)
      let right = b.matrix(
        isSigned: true, round % 4 == 0 ? .each(UnsafePointer(zeroPoints.base)) : .uniform(0))
      let bias = Floats(n, &random)
      let epilogue = Epilogue(columnBias: UnsafePointer(bias.base), activation: .relu)
      let expected = Floats(m * n)
      dynamicReference(shape, a, right, expected, epilogue)
      for table in tables {
        let packed = PackedIntegerMatrix(right, k: k, n: n, table: table)
        let team = random.bool() ? ThreadTeam.single : ThreadTeam(pool)
        let scratch = Scratch(table.integerMatmulScratchByteCount(shape, packed: true, team: team))
        let result = Floats(m * n)
        table.dynamicMatmul(
          shape, a: a.base, b: packed, scale: IntegerScale(0.01), c: result.base, epilogue: epilogue,
          scratch: scratch.pointer, team: team)
        #expect(
          difference(result, expected, tolerance: 1e-5, relative: 1e-5) == nil,
          "\(table.instructionSet), VNNI \(table.usesVNNI), \(shape)")
      }
    }
  }

  private func dynamicReference(
    _ shape: MatmulShape, _ a: Floats, _ b: IntegerMatrix, _ c: Floats, _ epilogue: Epilogue
  ) {
    let dense = Floats(shape.m * shape.k) { a.base[$0 / shape.k * shape.strideA + $0 % shape.k] }
    let quantization = Quantization(
      coveringFrom: dense.array.min() ?? 0, to: dense.array.max() ?? 0)
    let bytes = Bytes(dense.count)
    Reference.quantize(dense.base, bytes.base, count: dense.count, quantization)
    var denseShape = shape
    denseShape.strideA = shape.k
    Reference.integerMatmul(
      denseShape, a: bytes.matrix(isSigned: false, .uniform(quantization.zeroPoint)), b: b,
      output: .floats(c.base, IntegerScale(0.01 * quantization.scale), epilogue))
  }

  @Test func quantisationEqualsTheReferenceAtTiesToo() {
    var random = Randomness.seeded()
    let pool = ThreadPool(workerCount: 1)
    for count in [0, 1, 15, 16, 17, 500, 40_000] {
      for scale in [0.5, 0.1, 0.3333, 7, 1e-38, 1e35] as [Float] {
        let quantization = Quantization(
          scale: scale, zeroPoint: Int32(random.int(-20...20)), isSigned: random.bool())
        // Halves of the scale are ties, or as near to one as a float can be.
        let x = Floats(count, misaligned: random.bool()) { index -> Float in
          if index % 3 == 0 { return scale * (Float(index % 700) - 350) / 2 }
          return scale * (Float(index % 997) * 0.37 - 100)
        }
        if count > 20 {
          (x.base[3], x.base[4], x.base[5]) = (.nan, .infinity, -.infinity)
        }
        let expected = Bytes(count)
        Reference.quantize(x.base, expected.base, count: count, quantization)
        let values = Floats(count)
        Reference.dequantize(expected.base, values.base, count: count, quantization)
        for table in tables {
          let result = Bytes(count, offset: 3)
          table.quantize(x.base, result.base, count: count, quantization, team: ThreadTeam(pool))
          #expect(
            result.guardsAreIntact && result.array == expected.array, "\(table.instructionSet), \(scale)")
          let back = Floats(count)
          table.dequantize(expected.base, back.base, count: count, quantization, team: ThreadTeam(pool))
          #expect(difference(back, values, tolerance: 0) == nil, "\(table.instructionSet), \(scale)")
        }
      }
    }
  }

  @Test func dynamicQuantisationFollowsTheOperatorsExample() {
    // The example of ONNX's own description of DynamicQuantizeLinear.
    let x = Floats(6) { [0, 2, -3, -2.5, 1.34, 0.5][$0] }
    for table in tables {
      let y = Bytes(6)
      let quantization = table.dynamicQuantize(x.base, y.base, count: 6, team: .single)
      #expect(abs(quantization.scale - 0.0196078438) < 1e-8)
      #expect(quantization.zeroPoint == 153)
      #expect(y.array == [153, 255, 0, 26, 221, 179])
    }
    #expect(Quantization(coveringFrom: 0, to: 0) == Quantization(scale: 1))
  }
}

import Kernels
import Testing

private let activations: [Activation] = [
  .none, .none, .relu, .clip(low: -0.5, high: 0.75), .leakyRelu(slope: 0.1), .sigmoid, .tanh, .gelu,
  .geluTanh, .silu,
  .hardSigmoid(slope: 0.2, offset: 0.5), .hardSwish,
]

/// A product with everything drawn by chance, and its operands.
private struct Case {
  var shape: MatmulShape
  var alpha: Float
  var beta: Float
  var activation: Activation
  let a: Floats
  let b: Floats
  let c: Floats
  let columnBias: Floats?
  let rowBias: Floats?
  let residual: Floats?

  init(_ random: inout Randomness, sizes: [Int]) {
    let (m, n, k) = (random.pick(sizes), random.pick(sizes), random.pick(sizes))
    shape = MatmulShape(m: m, n: n, k: k, transposeA: random.bool(), transposeB: random.bool())
    shape.strideA += random.pick([0, 0, 5])
    shape.strideB += random.pick([0, 0, 3])
    shape.strideC += random.pick([0, 0, 7])
    alpha = random.pick([1, 1, 0.5, -2])
    beta = random.pick([0, 0, 1, 0.25])
    activation = random.pick(activations)
    a = Floats((shape.transposeA ? k : m) * shape.strideA, &random)
    b = Floats((shape.transposeB ? n : k) * shape.strideB, &random)
    c = Floats(m * shape.strideC, &random)
    columnBias = random.bool() ? Floats(n, &random) : nil
    rowBias = random.bool() ? Floats(m, &random) : nil
    residual = random.bool() ? Floats(m * shape.strideC, &random) : nil
  }

  var epilogue: Epilogue {
    Epilogue(
      columnBias: columnBias.map { UnsafePointer($0.base) }, rowBias: rowBias.map { UnsafePointer($0.base) },
      residual: residual.map { UnsafePointer($0.base) }, activation: activation)
  }

  var expected: Floats {
    let result = Floats(copying: c)
    Reference.matmul(
      shape, alpha: alpha, a: a.base, b: b.base, beta: beta, c: result.base, epilogue: epilogue)
    return result
  }

  /// Each of k products and sums may round once; values stay below 3 and GELU's slope below 1.2.
  var tolerance: Float { 4e-7 * Float(shape.k + 8) }
}

@Suite struct MatmulTests {
  @Test(arguments: 0..<3)
  func productsEqualTheReferenceAtEveryLevel(round: Int) {
    var random = Randomness.seeded()
    let pool = ThreadPool(workerCount: 2)
    let sizes = [0, 1, 2, 3, 5, 6, 7, 8, 13, 14, 15, 16, 17, 28, 29, 31, 32, 33, 47, 64, 65, 100]
    for _ in 0..<40 {
      let test = Case(&random, sizes: sizes)
      let expected = test.expected
      let team = random.bool() ? ThreadTeam.single : ThreadTeam(pool)
      for table in tables {
        checkPacked(test, expected, table, team)
        checkUnpacked(test, expected, table, team)
      }
    }
  }

  @Test func largeProductsEqualTheReferenceOnSeveralThreads() {
    var random = Randomness.seeded()
    let pool = ThreadPool(workerCount: 3)
    for sizes in [[97, 130, 1024], [200, 300], [1024, 40, 130]] {
      let test = Case(&random, sizes: sizes)
      let expected = test.expected
      for table in tables {
        checkPacked(test, expected, table, ThreadTeam(pool))
        checkUnpacked(test, expected, table, ThreadTeam(pool))
      }
    }
  }

  @Test func rowsAPageApartArePackedAndGiveTheSame() {
    var random = Randomness.seeded()
    var test = Case(&random, sizes: [130])
    test.shape = MatmulShape(m: 30, n: 130, k: 130)
    test.shape.strideA = 1024
    let a = Floats(30 * 1024, &random)
    for table in tables {
      let expected = Floats(30 * 130)
      Reference.matmul(test.shape, a: a.base, b: test.b.base, c: expected.base)
      let result = Floats(30 * 130)
      let packed = PackedMatrix(test.b.base, k: 130, n: 130, table: table)
      let scratch = Scratch(table.matmulScratchByteCount(test.shape, packed: true, team: .single))
      table.matmul(test.shape, a: a.base, b: packed, c: result.base, scratch: scratch.pointer, team: .single)
      #expect(difference(result, expected, tolerance: 1e-4) == nil)
    }
  }

  @Test func batchesMayShareAMatrixAndSpreadOverThreads() {
    var random = Randomness.seeded()
    let pool = ThreadPool(workerCount: 1)
    for _ in 0..<20 {
      var shape = MatmulShape(m: random.int(1...20), n: random.int(1...40), k: random.int(1...40))
      if random.bool() {
        shape.transposeB = true
        shape.strideB = shape.k
      }
      let count = random.int(0...5)
      let sharesB = random.bool()
      let batch = MatmulBatch(
        count: count, strideA: shape.m * shape.k, strideB: sharesB ? 0 : shape.k * shape.n,
        strideC: shape.m * shape.n)
      let a = Floats(count * batch.strideA, &random)
      let b = Floats(max(1, count) * shape.k * shape.n, &random)
      let expected = Floats(count * batch.strideC)
      for index in 0..<count {
        Reference.matmul(
          shape, a: a.base + index * batch.strideA, b: b.base + index * batch.strideB,
          c: expected.base + index * batch.strideC)
      }
      for table in tables {
        for team in [ThreadTeam.single, ThreadTeam(pool)] {
          let result = Floats(expected.count)
          let byteCount = table.batchedMatmulScratchByteCount(shape, batch: batch, team: team)
          #expect(byteCount <= table.matmulScratchByteCount(shape, packed: false, team: team))
          let scratch = Scratch(byteCount)
          table.batchedMatmul(
            shape, batch: batch, a: a.base, b: b.base, c: result.base, scratch: scratch.pointer, team: team)
          #expect(difference(result, expected, tolerance: 1e-4) == nil)
        }
      }
    }
  }

  @Test func aResidualMayBeTheResultItself() {
    var random = Randomness.seeded()
    let shape = MatmulShape(m: 29, n: 50, k: 40)
    let a = Floats(29 * 40, &random)
    let b = Floats(40 * 50, &random)
    let start = Floats(29 * 50, &random)
    let expected = Floats(copying: start)
    Reference.matmul(
      shape, a: a.base, b: b.base, c: expected.base, epilogue: Epilogue(residual: expected.base))
    for table in tables {
      let result = Floats(copying: start)
      let scratch = Scratch(table.matmulScratchByteCount(shape, packed: false, team: .single))
      table.matmul(
        shape, a: a.base, b: UnsafePointer(b.base), c: result.base, epilogue: Epilogue(residual: result.base),
        scratch: scratch.pointer, team: .single)
      #expect(difference(result, expected, tolerance: 1e-4) == nil)
    }
  }

  private func checkPacked(_ test: Case, _ expected: Floats, _ table: KernelTable, _ team: ThreadTeam) {
    let result = Floats(copying: test.c)
    let packed = PackedMatrix(
      test.b.base, k: test.shape.k, n: test.shape.n, stride: test.shape.strideB,
      transposed: test.shape.transposeB,
      table: table)
    let scratch = Scratch(table.matmulScratchByteCount(test.shape, packed: true, team: team))
    table.matmul(
      test.shape, alpha: test.alpha, a: test.a.base, b: packed, beta: test.beta, c: result.base,
      epilogue: test.epilogue, scratch: scratch.pointer, team: team)
    let found = difference(result, expected, tolerance: test.tolerance)
    #expect(found == nil, "packed, \(table.instructionSet), \(test.shape), \(test.activation)")
  }

  private func checkUnpacked(_ test: Case, _ expected: Floats, _ table: KernelTable, _ team: ThreadTeam) {
    let result = Floats(copying: test.c)
    let scratch = Scratch(table.matmulScratchByteCount(test.shape, packed: false, team: team))
    table.matmul(
      test.shape, alpha: test.alpha, a: test.a.base, b: UnsafePointer(test.b.base), beta: test.beta,
      c: result.base,
      epilogue: test.epilogue, scratch: scratch.pointer, team: team)
    let found = difference(result, expected, tolerance: test.tolerance)
    #expect(found == nil, "unpacked, \(table.instructionSet), \(test.shape), \(test.activation)")
  }
}

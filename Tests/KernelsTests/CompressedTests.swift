import Kernels
import Tensors
import Testing

@Suite struct CompressedTests {
  private let pool = ThreadPool(workerCount: 2)
  private let sizes = [0, 1, 2, 3, 4, 5, 7, 14, 16, 17, 31, 33, 64, 100]

  @Test(arguments: [CompressedMatrix.Format.float16, .bfloat16, .bfloat16Products])
  func weightsOf16BitsGiveTheProductOfTheirValues(format: CompressedMatrix.Format) {
    var random = Randomness.seeded()
    for _ in 0..<40 {
      var shape = MatmulShape(
        m: random.pick(sizes), n: random.pick(sizes), k: random.pick(sizes), transposeB: random.bool())
      shape.strideA += random.pick([0, 3])
      shape.strideC += random.pick([0, 5])
      let a = Floats(shape.m * shape.strideA, &random)
      let b = Floats(shape.n * shape.k, &random)
      // A value below float16's least normal one, and one that float16 cannot hold.
      if b.count > 1 { (b.base[0], b.base[1]) = (3e-7, 1e-12) }
      let isHalf = format == .float16
      let rounded = Floats(b.count) { isHalf ? FP16(b.base[$0]).float : BF16(b.base[$0]).float }
      let bits = (0..<b.count).map { isHalf ? FP16(b.base[$0]).bits : BF16(b.base[$0]).bits }
      let bias = Floats(shape.n, &random)
      let epilogue = Epilogue(columnBias: UnsafePointer(bias.base), activation: .relu)
      let exact = Floats(shape.m * shape.strideC)
      Reference.matmul(shape, a: a.base, b: rounded.base, c: exact.base, epilogue: epilogue)
      let short = Floats(copying: a)
      for index in 0..<a.count { short.base[index] = BF16(a.base[index]).float }
      let paired = Floats(shape.m * shape.strideC)
      Reference.matmul(shape, a: short.base, b: rounded.base, c: paired.base, epilogue: epilogue)
      for table in tables {
        let expected = format == .bfloat16Products && table.usesBF16 ? paired : exact
        let team = random.bool() ? ThreadTeam.single : ThreadTeam(pool)
        let matrices = [
          CompressedMatrix(
            b.base, k: shape.k, n: shape.n, format: format, transposed: shape.transposeB, table: table),
          CompressedMatrix(
            bits: bits, k: shape.k, n: shape.n, format: format, transposed: shape.transposeB, table: table),
        ]
        for matrix in matrices { check(shape, a, matrix, epilogue, expected, table, team) }
      }
    }
  }

  @Test(arguments: [4, 8])
  func weightsOfFewBitsGiveTheProductOfTheirValues(bits: Int) {
    var random = Randomness.seeded()
    for _ in 0..<40 {
      let shape = MatmulShape(m: random.pick(sizes), n: random.pick(sizes), k: random.pick(sizes))
      let groupSize = random.pick([2, 16, 32, 128])
      let groups = (shape.k + groupSize - 1) / groupSize
      let stored = (0..<(shape.k * shape.n)).map { _ in random.int(0...((1 << bits) - 1)) }
      let scales = Floats(groups * shape.n, &random, 0.01...0.1)
      let zeroPoints = Floats(groups * shape.n) { Float($0 % (1 << bits)) }
      let a = Floats(shape.m * shape.k, &random)
      let b = Floats(shape.k * shape.n) { index in
        let place = index / shape.n / groupSize * shape.n + index % shape.n
        return (Float(stored[index]) - zeroPoints.base[place]) * scales.base[place]
      }
      let expected = Floats(shape.m * shape.n)
      Reference.matmul(shape, a: a.base, b: b.base, c: expected.base)
      for table in tables {
        let matrix = CompressedMatrix(
          k: shape.k, n: shape.n, bits: bits, groupSize: groupSize, table: table,
          stored: { stored[$0 * shape.n + $1] }, scale: { scales.base[$0 * shape.n + $1] },
          zeroPoint: { zeroPoints.base[$0 * shape.n + $1] })
        let team = random.bool() ? ThreadTeam.single : ThreadTeam(pool)
        check(shape, a, matrix, Epilogue(), expected, table, team)
      }
    }
  }

  private func check(
    _ shape: MatmulShape, _ a: Floats, _ b: CompressedMatrix, _ epilogue: Epilogue, _ expected: Floats,
    _ table: KernelTable, _ team: ThreadTeam
  ) {
    let result = Floats(expected.count)
    let scratch = Scratch(table.compressedMatmulScratchByteCount(shape, b: b, team: team))
    table.compressedMatmul(
      shape, a: a.base, b: b, c: result.base, epilogue: epilogue, scratch: scratch.pointer, team: team)
    // Weights of eight bits reach 25: a hundred such products round in the fifth digit.
    #expect(
      difference(result, expected, tolerance: 2e-6 * Float(shape.k + 8), relative: 1e-5) == nil,
      "\(b.format), \(table.instructionSet), BF16 \(table.usesBF16), \(shape)")
  }
}

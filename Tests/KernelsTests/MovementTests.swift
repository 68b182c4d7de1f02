import Kernels
import Tensors
import Testing

@Suite struct MovementTests {
  private let pool = ThreadPool(workerCount: 1)

  private func bytes(_ count: Int, _ random: inout Randomness) -> [UInt8] {
    (0..<count).map { _ in UInt8(truncatingIfNeeded: random.next()) }
  }

  @Test func transposesEqualTheReference() {
    var random = Randomness.seeded()
    for _ in 0..<120 {
      let rank = random.int(0...5)
      let shape = Shape((0..<rank).map { _ in random.pick([1, 2, 3, 7, rank > 3 ? 4 : 33]) })
      var axes = Array(0..<rank)
      for index in stride(from: rank - 1, to: 0, by: -1) { axes.swapAt(index, random.int(0...index)) }
      let elementSize = random.pick([1, 2, 4, 8, 16])
      let count = (shape.elementCount ?? 0) * elementSize
      let x = bytes(count, &random)
      var expected = [UInt8](repeating: 0, count: count)
      Reference.transpose(elementSize: elementSize, shape: shape, permutation: Shape(axes), x, &expected)
      for table in tables {
        var result = [UInt8](repeating: 0, count: count)
        table.transpose(
          elementSize: elementSize, shape: shape, permutation: Shape(axes), x, &result, team: ThreadTeam(pool)
        )
        #expect(result == expected, "\(shape) by \(axes), \(elementSize) bytes")
      }
    }
  }

  @Test func emptyTensorsTranspose() {
    tables[0].transpose(
      elementSize: 4, shape: [0, 3], permutation: [1, 0], [UInt8](), UnsafeMutableRawPointer(bitPattern: 64)!,
      team: .single)
  }

  @Test func paddingEqualsTheReference() {
    var random = Randomness.seeded()
    for _ in 0..<80 {
      let rank = random.int(0...4)
      func extents(_ values: [Int]) -> Shape { Shape((0..<rank).map { _ in random.pick(values) }) }
      let (shape, before, after) = (extents([0, 1, 2, 5]), extents([0, 1, 3]), extents([0, 2]))
      let elementSize = random.pick([1, 4, 8])
      let count = (0..<rank).reduce(1) { $0 * (shape[$1] + before[$1] + after[$1]) }
      let x = bytes((shape.elementCount ?? 0) * elementSize, &random)
      let value = bytes(elementSize, &random)
      var expected = [UInt8](repeating: 0, count: count * elementSize)
      var result = expected
      Reference.pad(
        elementSize: elementSize, shape: shape, before: before, after: after, value: value, x, &expected)
      tables[0].pad(
        elementSize: elementSize, shape: shape, before: before, after: after, value: value, x, &result,
        team: .single)
      #expect(result == expected, "\(shape) with \(before) and \(after)")
    }
  }

  @Test func rowsAreCopiedToTheirStride() {
    let source: [UInt8] = [1, 2, 3, 4, 5, 6]
    var target = [UInt8](repeating: 0, count: 8)
    tables[0].copyRows(
      source, sourceStride: 3, &target, targetStride: 4, rowByteCount: 2, rows: 2, team: .single)
    #expect(target == [1, 2, 0, 0, 4, 5, 0, 0])
  }
}

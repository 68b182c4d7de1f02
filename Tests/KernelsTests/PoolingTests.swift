import Kernels
import Tensors
import Testing

@Suite struct PoolingTests {
  @Test(arguments: 1...3)
  func poolingsEqualTheReferenceAtEveryLevel(rank: Int) {
    var random = Randomness.seeded()
    let pool = ThreadPool(workerCount: 1)
    for _ in 0..<60 {
      let kind = random.pick([
        Pooling.Kind.max, .average(countsPadding: true), .average(countsPadding: false),
      ])
      func shape(_ values: [Int]) -> Shape { Shape((0..<rank).map { _ in random.pick(values) }) }
      var pooling = Pooling(kind, window: shape([1, 2, 3, 5]))
      pooling.strides = shape([1, 2, 3])
      pooling.dilations = shape([1, 1, 2])
      pooling.padsBefore = shape([0, 1, 2])
      pooling.padsAfter = shape([0, 1, 2])
      pooling.roundsUp = random.bool()
      let spatial = shape([1, 4, 9, rank == 3 ? 5 : 80])
      guard let output = pooling.outputShape(spatial)?.elementCount, let input = spatial.elementCount else {
        continue
      }
      let planes = random.int(0...3)
      let x = Floats(planes * input, &random)
      if x.count > 3 { x.base[3] = .nan }
      let expected = Floats(planes * output)
      Reference.pool(pooling, x.base, planes: planes, spatial: spatial, output: expected.base)
      for table in tables {
        let result = Floats(planes * output)
        table.pool(
          pooling, x.base, planes: planes, spatial: spatial, output: result.base, team: ThreadTeam(pool))
        let found = difference(result, expected, tolerance: 1e-5)
        #expect(found == nil, "\(table.instructionSet), \(spatial), \(pooling)")
      }
    }
  }

  @Test func shapesThatDoNotFitHaveNoOutput() {
    let pooling = Pooling(.max, window: [3, 3])
    #expect(pooling.outputShape([2, 5]) == nil)
    #expect(pooling.outputShape([5]) == nil)
    #expect(pooling.outputShape([5, 4]) == [3, 2])
    var huge = pooling
    huge.padsAfter = [.max, 0]
    #expect(huge.outputShape([5, 5]) == nil)
    var leap = pooling
    leap.strides = [.max, .max]
    leap.roundsUp = true
    #expect(leap.outputShape([5, 5]) == [1, 1])
  }
}

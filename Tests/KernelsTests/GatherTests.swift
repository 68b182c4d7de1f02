import Kernels
import Testing

@Suite struct GatherTests {
  private let pool = ThreadPool(workerCount: 1)

  /// Extents of one case, and indices into its middle axis, negative ones among them.
  private func sizes(_ random: inout Randomness) -> (outer: Int, length: Int, inner: Int, indices: [Int64]) {
    let length = random.pick([1, 3, 40])
    let indices = (0..<random.pick([0, 1, 5, 60])).map { _ in Int64(random.int(-length...(length - 1))) }
    return (random.pick([0, 1, 4]), length, random.pick([0, 1, 7, 64]), indices)
  }

  @Test func slicesAreGatheredAsTheReference() {
    var random = Randomness.seeded()
    for _ in 0..<80 {
      let (outer, length, inner, indices) = sizes(&random)
      let x = Floats(outer * length * inner, &random)
      let expected = Floats(outer * indices.count * inner)
      Reference.gather(
        x.base, outer: outer, length: length, inner: inner, indices: indices, count: indices.count,
        expected.base)
      for table in tables {
        let result = Floats(expected.count)
        let fault = table.gather(
          elementSize: 4, x.base, outer: outer, length: length, inner: inner, indices: indices,
          count: indices.count, result.base, team: ThreadTeam(pool))
        #expect(fault == nil)
        #expect(difference(result, expected, tolerance: 0) == nil, "\(outer), \(length), \(inner)")
      }
    }
  }

  @Test(arguments: [
    ScatterReduction.replace, .combine(.add), .combine(.multiply), .combine(.maximum), .combine(.minimum),
  ])
  func updatesAreScatteredInOrderAsTheReference(reduction: ScatterReduction) {
    var random = Randomness.seeded()
    for _ in 0..<40 {
      let (outer, length, inner, indices) = sizes(&random)
      let x = Floats(outer * indices.count * inner, &random)
      let start = Floats(outer * length * inner, &random)
      let expected = Floats(copying: start)
      Reference.scatter(
        reduction, x.base, outer: outer, length: length, inner: inner, indices: indices,
        count: indices.count, expected.base)
      for table in tables {
        let result = Floats(copying: start)
        let fault = table.scatter(
          reduction, x.base, outer: outer, length: length, inner: inner, indices: indices,
          count: indices.count, result.base, team: ThreadTeam(pool))
        #expect(fault == nil)
        #expect(difference(result, expected, tolerance: 0) == nil, "\(outer), \(length), \(inner)")
      }
    }
  }

  @Test(arguments: [3, -4] as [Int64]) func anIndexOutOfRangeIsNamedAndNothingWritten(index: Int64) {
    let (x, y) = (Floats(6) { _ in 1 }, Floats(6) { _ in 2 })
    let indices: [Int64] = [0, -3, index]
    let gathered = tables[0].gather(
      elementSize: 4, x.base, outer: 1, length: 3, inner: 2, indices: indices, count: 3, y.base, team: .single
    )
    let scattered = tables[0].scatter(
      .replace, x.base, outer: 1, length: 3, inner: 2, indices: indices, count: 3, y.base, team: .single)
    #expect(gathered == 2)
    #expect(scattered == 2)
    #expect(y.array == [2, 2, 2, 2, 2, 2])
  }
}

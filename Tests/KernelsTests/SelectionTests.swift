import Kernels
import Testing

@Suite struct SelectionTests {
  private let pool = ThreadPool(workerCount: 1)

  @Test func theGreatestAndTheLeastAreThoseOfAStableSort() {
    var random = Randomness.seeded()
    for _ in 0..<80 {
      let (outer, length, inner) = (
        random.int(0...3), random.pick([1, 2, 7, 50, 300]), random.pick([1, 1, 4])
      )
      let k = random.pick([0, 1, length / 2, length])
      let largest = random.bool()
      // Few distinct values, so that many are equal.
      let x = Floats(outer * length * inner) { _ in Float(random.int(0...20)) }
      if x.count > 5 { (x.base[2], x.base[5]) = (.nan, -.infinity) }
      let values = Floats(outer * k * inner)
      var indices = [Int64](repeating: -1, count: values.count)
      var expected = indices
      for line in 0..<(outer * inner) {
        let start = line / inner * length * inner + line % inner
        let order = (0..<length).sorted { left, right in
          let (a, b) = (key(x.base[start + left * inner]), key(x.base[start + right * inner]))
          return a == b ? left < right : largest ? a > b : a < b
        }
        for index in 0..<k {
          expected[line / inner * k * inner + line % inner + index * inner] = Int64(order[index])
        }
      }
      tables[0].topK(
        x.base, outer: outer, length: length, inner: inner, k: k, largest: largest, values: values.base,
        indices: &indices, team: ThreadTeam(pool))
      #expect(indices == expected, "[\(outer), \(length), \(inner)], k \(k), largest \(largest)")
      #expect(values.guardsAreIntact)
      for (place, index) in indices.enumerated() {
        let (row, column) = (place / (k * inner), place % inner)
        let source = x.base[(row * length + Int(index)) * inner + column]
        #expect(key(source) == key(values.base[place]))
      }
    }
  }

  /// NaN is above all.
  private func key(_ value: Float) -> Double { value.isNaN ? .greatestFiniteMagnitude : Double(value) }

  @Test func runningSumsEqualTheirDefinition() {
    var random = Randomness.seeded()
    for _ in 0..<60 {
      let (outer, length, inner) = (random.int(0...3), random.pick([0, 1, 2, 17]), random.pick([1, 3, 20]))
      let (exclusive, reversed) = (random.bool(), random.bool())
      let x = Floats(outer * length * inner, &random)
      let expected = Floats(x.count) { place in
        let position = place / inner % length
        var sum: Float = 0
        for other in 0..<length {
          let counts = reversed ? other > position : other < position
          if counts || (other == position && !exclusive) {
            sum += x.base[place + (other - position) * inner]
          }
        }
        return sum
      }
      for table in tables {
        let result = Floats(x.count)
        table.cumulativeSum(
          x.base, result.base, outer: outer, length: length, inner: inner, exclusive: exclusive,
          reversed: reversed, team: ThreadTeam(pool))
        #expect(difference(result, expected, tolerance: 1e-5) == nil, "\(table.instructionSet)")
      }
    }
  }

  @Test func groupNormalisationEqualsItsDefinition() {
    var random = Randomness.seeded()
    for _ in 0..<40 {
      let (batch, groups, perGroup) = (random.int(0...2), random.int(1...4), random.int(1...5))
      let (channels, inner) = (groups * perGroup, random.pick([1, 5, 16, 33]))
      let x = Floats(batch * channels * inner, &random)
      let (scale, bias) = (Floats(channels, &random), Floats(channels, &random))
      let expected = Floats(x.count)
      let length = perGroup * inner
      Reference.layerNorm(
        x.base, scale: nil, bias: nil, expected.base, rows: batch * groups, columns: length, epsilon: 0.01)
      for index in 0..<x.count {
        let channel = index / inner % channels
        expected.base[index] = expected.base[index] * scale.base[channel] + bias.base[channel]
      }
      for table in tables {
        let result = Floats(copying: x)
        table.groupNorm(
          result.base, scale: scale.base, bias: bias.base, result.base, batch: batch, channels: channels,
          inner: inner, groups: groups, epsilon: 0.01, team: ThreadTeam(pool))
        #expect(difference(result, expected, tolerance: 2e-5) == nil, "\(table.instructionSet)")
      }
    }
  }
}

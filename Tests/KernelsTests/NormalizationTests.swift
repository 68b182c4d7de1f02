import Kernels
import Testing

@Suite struct NormalizationTests {
  private let pool = ThreadPool(workerCount: 1)

  private func sizes(_ random: inout Randomness) -> (outer: Int, length: Int, inner: Int) {
    (
      random.pick([0, 1, 3, 40]), random.pick([1, 2, 15, 16, 17, 63, 64, 65, 200]),
      random.pick([1, 1, 2, 16, 37])
    )
  }

  @Test func softmaxEqualsTheReference() {
    var random = Randomness.seeded()
    for _ in 0..<60 {
      let (outer, length, inner) = sizes(&random)
      let x = Floats(outer * length * inner, &random, -30...30)
      let logarithm = random.bool()
      let expected = Floats(x.count)
      Reference.softmax(
        x.base, expected.base, outer: outer, length: length, inner: inner, logarithm: logarithm)
      for table in tables {
        let result = Floats(copying: x)
        table.softmax(
          result.base, result.base, outer: outer, length: length, inner: inner, logarithm: logarithm,
          team: ThreadTeam(pool))
        let found = difference(result, expected, tolerance: logarithm ? 4e-7 : 1e-7, relative: 4e-6)
        #expect(
          found == nil, "\(table.instructionSet), [\(outer), \(length), \(inner)], logarithm \(logarithm)")
      }
    }
  }

  @Test func normalisationsEqualTheReference() {
    var random = Randomness.seeded()
    for _ in 0..<60 {
      let (rows, columns, _) = sizes(&random)
      let x = Floats(rows * columns, &random, -3...5)
      let scale = random.bool() ? Floats(columns, &random) : nil
      let bias = random.bool() ? Floats(columns, &random) : nil
      let factors = scale.map { UnsafePointer($0.base) }
      let shifts = bias.map { UnsafePointer($0.base) }
      let layer = Floats(x.count)
      let root = Floats(x.count)
      Reference.layerNorm(
        x.base, scale: factors, bias: shifts, layer.base, rows: rows, columns: columns, epsilon: 1e-5)
      Reference.rmsNorm(x.base, scale: factors, root.base, rows: rows, columns: columns, epsilon: 1e-5)
      for table in tables {
        let result = Floats(x.count)
        table.layerNorm(
          x.base, scale: factors, bias: shifts, result.base, rows: rows, columns: columns, epsilon: 1e-5,
          team: ThreadTeam(pool))
        #expect(
          difference(result, layer, tolerance: 2e-4) == nil,
          "layer, \(table.instructionSet), \(rows) × \(columns)")
        table.rmsNorm(
          x.base, scale: factors, result.base, rows: rows, columns: columns, epsilon: 1e-5,
          team: ThreadTeam(pool))
        #expect(
          difference(result, root, tolerance: 1e-5) == nil,
          "root, \(table.instructionSet), \(rows) × \(columns)")
      }
    }
  }

  @Test func scaleAndShiftEqualTheReference() {
    var random = Randomness.seeded()
    for _ in 0..<60 {
      let (outer, channels, inner) = sizes(&random)
      let x = Floats(outer * channels * inner, &random)
      let scale = Floats(channels, &random)
      let shift = Floats(channels, &random)
      let activation = random.pick([Activation.none, .relu, .hardSwish])
      let expected = Floats(x.count)
      Reference.scaleShift(
        x.base, scale: scale.base, shift: shift.base, expected.base, outer: outer, channels: channels,
        inner: inner,
        activation: activation)
      for table in tables {
        let result = Floats(x.count)
        table.scaleShift(
          x.base, scale: scale.base, shift: shift.base, result.base, outer: outer, channels: channels,
          inner: inner,
          activation: activation, team: ThreadTeam(pool))
        #expect(difference(result, expected, tolerance: 1e-6) == nil, "\(table.instructionSet)")
      }
    }
  }

  @Test(arguments: Reduction.allCases)
  func reductionsEqualTheReference(reduction: Reduction) {
    var random = Randomness.seeded()
    for round in 0..<40 {
      var (outer, length, inner) = sizes(&random)
      if round == 0 { (outer, length, inner) = (2, 0, 3) }
      let x = Floats(outer * length * inner, &random)
      if round % 5 == 1, x.count > 1 { x.base[1] = .nan }
      let expected = Floats(outer * inner)
      Reference.reduce(reduction, x.base, expected.base, outer: outer, length: length, inner: inner)
      for table in tables {
        let result = Floats(outer * inner)
        table.reduce(
          reduction, x.base, result.base, outer: outer, length: length, inner: inner, team: ThreadTeam(pool))
        let found = difference(result, expected, tolerance: 2e-5, relative: 4e-6)
        #expect(found == nil, "\(reduction), \(table.instructionSet), [\(outer), \(length), \(inner)]")
      }
    }
  }
}

import Kernels
import Testing

@Suite struct ResizeTests {
  /// One axis of a small image, resized as ONNX's own examples say.
  private func resize(_ values: [Float], to output: Int, scale: Float? = nil, _ rule: ResizeRule) -> [Float] {
    let axis = ResizeAxis(input: values.count, output: output, scale: scale, rule: rule)
    let x = Floats(values.count) { values[$0] }
    let y = Floats(output)
    tables[0].resize(axis, x.base, y.base, outer: 1, team: .single)
    #expect(y.guardsAreIntact)
    return y.array
  }

  private func expectClose(_ result: [Float], _ expected: [Float]) {
    #expect(result.count == expected.count)
    for (value, wanted) in zip(result, expected) { #expect(abs(value - wanted) < 1e-5, "\(result)") }
  }

  @Test func theNearestPositionIsTaken() {
    #expect(resize([1, 2], to: 4, ResizeRule(.nearest())) == [1, 1, 2, 2])
    #expect(resize([1, 2], to: 6, ResizeRule(.nearest())) == [1, 1, 1, 2, 2, 2])
    #expect(resize([1, 2, 3, 4], to: 2, scale: 0.6, ResizeRule(.nearest())) == [1, 3])
    let floor = ResizeRule(.nearest(.floor), coordinates: .alignCorners)
    #expect(resize([1, 2, 3, 4], to: 8, floor) == [1, 1, 1, 2, 2, 3, 3, 4])
    #expect(resize([1, 2, 3, 4], to: 8, ResizeRule(.nearest(.ceil), coordinates: .asymmetric)).last == 4)
  }

  @Test func linearInterpolationFollowsTheCoordinates() {
    expectClose(resize([1, 2], to: 4, ResizeRule(.linear)), [1, 1.25, 1.75, 2])
    expectClose(
      resize([1, 2], to: 4, ResizeRule(.linear, coordinates: .alignCorners)), [1, 4.0 / 3, 5.0 / 3, 2])
    expectClose(resize([1, 2, 3, 4], to: 2, scale: 0.6, ResizeRule(.linear)), [1.333_333_3, 3])
    expectClose(
      resize([1, 2, 3, 4], to: 3, ResizeRule(.linear, coordinates: .pytorchHalfPixel)),
      [1.166_666_7, 2.5, 3.833_333_3])
    let crop = ResizeRule(.linear, coordinates: .cropAndResize(start: 0.4, end: 1.2, extrapolation: 10))
    expectClose(resize([1, 2, 3, 4], to: 3, crop), [2.2, 3.4, 10])
  }

  @Test func cubicInterpolationHasKeysKernel() {
    // The factors of ONNX's example resize_upsample_scales_cubic.
    let expected: [Float] = [
      0.894_531_25, 1.191_406_25, 1.667_968_75, 2.296_875, 2.703_125, 3.332_031_25, 3.808_593_75,
      4.105_468_75,
    ]
    expectClose(resize([1, 2, 3, 4], to: 8, ResizeRule(.cubic())), expected)
    let line = resize([1, 1, 1], to: 7, ResizeRule(.cubic(coefficient: -0.5), excludesOutside: true))
    expectClose(line, [Float](repeating: 1, count: 7))
    let small = resize([2, 2, 2, 2, 2], to: 2, ResizeRule(.cubic(), antialiases: true))
    expectClose(small, [2, 2])
  }

  @Test func antialiasingWeighsEveryValue() {
    // The factors of ONNX's example resize_downsample_scales_linear_antialias.
    expectClose(
      resize([1, 2, 3, 4], to: 2, scale: 0.6, ResizeRule(.linear, antialiases: true)), [1.375, 3])
  }

  @Test func rowsAreResizedAsValuesAre() {
    var random = Randomness.seeded()
    let pool = ThreadPool(workerCount: 1)
    for _ in 0..<40 {
      let (outer, input, output) = (random.int(0...3), random.int(1...9), random.int(0...12))
      let rule = ResizeRule(random.pick([.nearest(), .linear, .cubic()]))
      let axis = ResizeAxis(input: input, output: output, rule: rule)
      let inner = random.pick([2, 16, 21])
      let x = Floats(outer * input * inner, &random)
      for table in tables {
        let result = Floats(outer * output * inner)
        table.resize(axis, x.base, result.base, outer: outer, inner: inner, team: ThreadTeam(pool))
        let expected = Floats(result.count)
        for row in 0..<outer {
          for column in 0..<inner {
            let line = Floats(input) { x.base[(row * input + $0) * inner + column] }
            let single = Floats(output)
            table.resize(axis, line.base, single.base, outer: 1, team: .single)
            for index in 0..<output {
              expected.base[(row * output + index) * inner + column] = single.base[index]
            }
          }
        }
        #expect(difference(result, expected, tolerance: 1e-6) == nil, "\(table.instructionSet)")
      }
    }
  }
}

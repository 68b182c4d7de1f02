import Kernels
import Testing

/// Transposed convolutions and those of volumes.
@Suite struct ConvolutionVariantTests {
  private func randomParameters(_ random: inout Randomness) -> ConvolutionParameters {
    let groups = random.pick([1, 1, 2, 3])
    var parameters = ConvolutionParameters(
      inputChannels: groups * random.int(1...9), outputChannels: groups * random.pick([1, 2, 5, 17]),
      kernelHeight: random.int(1...4), kernelWidth: random.int(1...5))
    parameters.groups = groups
    parameters.strideY = random.int(1...3)
    parameters.strideX = random.int(1...3)
    parameters.dilationY = random.int(1...2)
    parameters.dilationX = random.int(1...2)
    parameters.padTop = random.int(0...2)
    parameters.padLeft = random.int(0...2)
    parameters.padBottom = random.int(0...2)
    parameters.padRight = random.int(0...2)
    return parameters
  }

  @Test func transposedConvolutionsEqualTheReferenceAtEveryLevel() {
    var random = Randomness.seeded()
    let pool = ThreadPool(workerCount: 2)
    for _ in 0..<40 {
      var parameters = TransposedConvolutionParameters(randomParameters(&random))
      parameters.outputPaddingY = random.int(0...1)
      parameters.outputPaddingX = random.int(0...1)
      let (batch, height, width) = (random.int(0...2), random.int(1...9), random.pick([1, 2, 7, 40]))
      guard let size = parameters.outputSize(height: height, width: width) else { continue }
      let window = parameters.window
      let taps = window.outputChannels / window.groups * window.kernelHeight * window.kernelWidth
      let weights = Floats(window.inputChannels * taps, &random)
      let input = Floats(batch * window.inputChannels * height * width, &random)
      let count = batch * window.outputChannels * size.height * size.width
      let operands = Operands(channels: window.outputChannels, count: count, &random)
      Reference.transposedConvolution(
        parameters, input.base, batch: batch, height: height, width: width, weights: weights.base,
        bias: operands.bias, residual: operands.residual, activation: operands.activation,
        output: operands.expected.base)
      let team = random.bool() ? ThreadTeam.single : ThreadTeam(pool)
      for table in tables {
        let convolution = TransposedConvolution(
          parameters, weights: weights.base, bias: operands.bias, activation: operands.activation,
          table: table)
        let result = Floats(count)
        let scratch = Scratch(convolution.scratchByteCount(batch: batch, team: team))
        convolution.run(
          input.base, batch: batch, height: height, width: width, output: result.base,
          residual: operands.residual, scratch: scratch.pointer, team: team)
        let depth = window.inputChannels * window.kernelHeight * window.kernelWidth
        let found = difference(result, operands.expected, tolerance: 4e-7 * Float(depth + 8))
        #expect(found == nil, "\(table.instructionSet), \(batch) of \(height) × \(width), \(parameters)")
      }
    }
  }

  @Test func volumesEqualTheReferenceAtEveryLevel() {
    var random = Randomness.seeded()
    let pool = ThreadPool(workerCount: 2)
    for _ in 0..<20 {
      var parameters = VolumeParameters(plane: randomParameters(&random), kernelDepth: random.int(1...3))
      parameters.strideZ = random.int(1...2)
      parameters.dilationZ = random.int(1...2)
      parameters.padFront = random.int(0...2)
      parameters.padBack = random.int(0...2)
      let (batch, depth) = (random.int(0...2), random.int(1...5))
      let (height, width) = (random.int(3...7), random.pick([4, 9, 20]))
      guard let size = parameters.outputSize(depth: depth, height: height, width: width) else { continue }
      let plane = parameters.plane
      let taps =
        plane.inputChannels / plane.groups * parameters.kernelDepth * plane.kernelHeight * plane.kernelWidth
      let weights = Floats(plane.outputChannels * taps, &random)
      let input = Floats(batch * plane.inputChannels * depth * height * width, &random)
      let count = batch * plane.outputChannels * size.depth * size.height * size.width
      let operands = Operands(channels: plane.outputChannels, count: count, &random)
      Reference.volumeConvolution(
        parameters, input.base, batch: batch, depth: depth, height: height, width: width,
        weights: weights.base, bias: operands.bias, residual: operands.residual,
        activation: operands.activation, output: operands.expected.base)
      let team = random.bool() ? ThreadTeam.single : ThreadTeam(pool)
      for table in tables {
        let convolution = VolumeConvolution(
          parameters, weights: weights.base, bias: operands.bias, activation: operands.activation,
          image: ImageSize(height: height, width: width), table: table)
        let result = Floats(count)
        let scratch = Scratch(convolution.scratchByteCount(height: height, width: width, team: team))
        convolution.run(
          input.base, batch: batch, depth: depth, height: height, width: width, output: result.base,
          residual: operands.residual, scratch: scratch.pointer, team: team)
        let found = difference(result, operands.expected, tolerance: 4e-7 * Float(taps + 8))
        #expect(
          found == nil, "\(table.instructionSet), \(batch) of \(depth) × \(height) × \(width), \(parameters)")
      }
    }
  }

  @Test func impossibleTransposedSizesHaveNoOutput() {
    var window = ConvolutionParameters(inputChannels: 1, outputChannels: 1, kernelHeight: 3, kernelWidth: 3)
    (window.strideY, window.strideX) = (2, 2)
    var parameters = TransposedConvolutionParameters(window)
    #expect(parameters.outputSize(height: 4, width: 1)! == (9, 3))
    #expect(parameters.outputSize(height: 0, width: 1) == nil)
    #expect(parameters.outputSize(height: .max, width: 1) == nil)
    parameters.outputPaddingY = 1
    #expect(parameters.outputSize(height: 4, width: 1)! == (10, 3))
    parameters.window.padTop = 10
    #expect(parameters.outputSize(height: 4, width: 1) == nil)
  }
}

/// What a random convolution adds and applies, and where the expected values go.
private struct Operands {
  let activation: Activation
  let expected: Floats
  private let biasFloats: Floats?
  private let residualFloats: Floats?

  var bias: UnsafePointer<Float>? { biasFloats.map { UnsafePointer($0.base) } }
  var residual: UnsafePointer<Float>? { residualFloats.map { UnsafePointer($0.base) } }

  init(channels: Int, count: Int, _ random: inout Randomness) {
    activation = random.pick([.none, .relu, .silu, .clip(low: 0, high: 6)])
    expected = Floats(count)
    biasFloats = random.bool() ? Floats(channels, &random) : nil
    residualFloats = random.bool() ? Floats(count, &random) : nil
  }
}

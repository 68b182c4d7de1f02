import Kernels
import Testing

@Suite struct ConvolutionTests {
  private func randomParameters(_ random: inout Randomness) -> ConvolutionParameters {
    let groups = random.pick([1, 1, 1, 2, 3, 17])
    let isDepthwise = groups > 1 && random.bool()
    let inputs = groups * (isDepthwise ? 1 : random.int(1...5))
    let outputs = groups * (isDepthwise ? 1 : random.pick([1, 3, 14, 15, 20]))
    var parameters = ConvolutionParameters(
      inputChannels: inputs, outputChannels: outputs, kernelHeight: random.pick([1, 1, 2, 3, 3, 5, 12]),
      kernelWidth: random.pick([1, 1, 2, 3, 3, 7, 12]))
    parameters.groups = groups
    parameters.strideY = random.pick([1, 1, 2, 3])
    parameters.strideX = random.pick([1, 1, 2, 3])
    parameters.dilationY = random.pick([1, 1, 2])
    parameters.dilationX = random.pick([1, 1, 2])
    parameters.padTop = random.pick([0, 1, 2, 6])
    parameters.padLeft = random.pick([0, 1, 2, 6])
    parameters.padBottom = random.pick([0, 1, 3])
    parameters.padRight = random.pick([0, 1, 3])
    return parameters
  }

  @Test(arguments: 0..<3)
  func convolutionsEqualTheReferenceAtEveryLevelAndLayout(round: Int) {
    var random = Randomness.seeded()
    let pool = ThreadPool(workerCount: 2)
    for _ in 0..<30 {
      let parameters = randomParameters(&random)
      let height = random.int(1...12)
      let width = random.pick([1, 3, 9, 20, 70])
      for layout in [ImageLayout.channelsFirst, .channelsLast] {
        check(parameters, layout, batch: random.int(0...2), height: height, width: width, &random, pool)
      }
    }
  }

  private func winogradParameters(_ random: inout Randomness) -> ConvolutionParameters {
    var parameters = ConvolutionParameters(
      inputChannels: random.pick([8, 16, 19, 32, 70]), outputChannels: random.pick([8, 16, 35, 48]),
      kernelHeight: 3, kernelWidth: 3)
    parameters.padTop = random.pick([0, 1, 1, 5])
    parameters.padLeft = random.pick([0, 1, 1, 5])
    parameters.padBottom = random.pick([0, 1, 3])
    parameters.padRight = random.pick([0, 1, 3])
    return parameters
  }

  /// Sizes around the multiples of a tile, and images of more than one block.
  @Test(arguments: 0..<3)
  func winogradEqualsTheReferenceAtEveryLevelAndLayout(round: Int) {
    var random = Randomness.seeded()
    let pool = ThreadPool(workerCount: 2)
    for _ in 0..<10 {
      let parameters = winogradParameters(&random)
      let height = random.int(4...30)
      let width = random.pick([4, 7, 14, 33, 150])
      for layout in [ImageLayout.channelsFirst, .channelsLast] {
        for accuracy in [ConvolutionAccuracy.fast, .precise] {
          check(
            parameters, layout, accuracy, batch: random.int(0...2), height: height, width: width, &random,
            pool)
        }
      }
    }
  }

  private func check(
    _ parameters: ConvolutionParameters, _ layout: ImageLayout, _ accuracy: ConvolutionAccuracy = .fast,
    batch: Int, height: Int, width: Int, _ random: inout Randomness, _ pool: ThreadPool
  ) {
    guard let size = parameters.outputSize(height: height, width: width) else { return }
    let depth =
      parameters.inputChannels / parameters.groups * parameters.kernelHeight * parameters.kernelWidth
    let weights = Floats(parameters.outputChannels * depth, &random)
    let bias = random.bool() ? Floats(parameters.outputChannels, &random) : nil
    let input = Floats(batch * parameters.inputChannels * height * width, &random)
    let outputCount = batch * parameters.outputChannels * size.height * size.width
    let residual = random.bool() ? Floats(outputCount, &random) : nil
    let activation = random.pick([Activation.none, .relu, .silu, .clip(low: 0, high: 6)])
    let expected = Floats(outputCount)
    Reference.convolution(
      parameters, layout: layout, input.base, batch: batch, height: height, width: width,
      weights: weights.base,
      bias: bias.map { UnsafePointer($0.base) }, residual: residual.map { UnsafePointer($0.base) },
      activation: activation, output: expected.base)
    let team = random.bool() ? ThreadTeam.single : ThreadTeam(pool)
    for table in tables {
      let convolution = Convolution(
        parameters, weights: weights.base, bias: bias.map { UnsafePointer($0.base) }, activation: activation,
        layout: layout, image: ImageSize(height: height, width: width), accuracy: accuracy, table: table)
      let result = Floats(outputCount)
      let scratch = Scratch(
        convolution.scratchByteCount(batch: batch, height: height, width: width, team: team))
      convolution.run(
        input.base, batch: batch, height: height, width: width, output: result.base,
        residual: residual.map { UnsafePointer($0.base) }, scratch: scratch.pointer, team: team)
      let found = difference(result, expected, tolerance: 4e-7 * Float(depth + 8))
      #expect(
        found == nil,
        "\(table.instructionSet), \(convolution.method), \(layout), \(batch) of \(height) × \(width), \(parameters)"
      )
    }
  }

  @Test func anImpossibleSizeHasNoOutput() {
    var parameters = ConvolutionParameters(
      inputChannels: 1, outputChannels: 1, kernelHeight: 3, kernelWidth: 3)
    #expect(parameters.outputSize(height: 2, width: 5) == nil)
    #expect(parameters.outputSize(height: 3, width: 5)! == (1, 3))
    parameters.strideX = 0
    #expect(parameters.outputSize(height: 3, width: 5) == nil)
    parameters.strideX = 1
    parameters.padLeft = .max
    #expect(parameters.outputSize(height: 3, width: 5) == nil)
    parameters.padLeft = 0
    parameters.dilationX = .max
    #expect(parameters.outputSize(height: 3, width: 5) == nil)
  }

  @Test func theMethodFollowsTheParameters() {
    var parameters = ConvolutionParameters(
      inputChannels: 8, outputChannels: 8, kernelHeight: 1, kernelWidth: 1)
    #expect(ConvolutionMethod.choose(parameters, .channelsLast) == .pointwise)
    #expect(ConvolutionMethod.choose(parameters, .channelsFirst) == .unfolded)
    parameters.strideX = 2
    #expect(ConvolutionMethod.choose(parameters, .channelsLast) == .unfolded)
    parameters.groups = 8
    #expect(ConvolutionMethod.choose(parameters, .channelsLast) == .depthwise)
    parameters = ConvolutionParameters(inputChannels: 3, outputChannels: 64, kernelHeight: 7, kernelWidth: 7)
    #expect(ConvolutionMethod.choose(parameters, .channelsFirst) == .direct)
  }

  @Test func winogradIsChosenWhereItSavesMoreThanItsWeightsCost() {
    var parameters = ConvolutionParameters(
      inputChannels: 512, outputChannels: 512, kernelHeight: 3, kernelWidth: 3)
    (parameters.padTop, parameters.padLeft, parameters.padBottom, parameters.padRight) = (1, 1, 1, 1)
    func method(_ side: Int, _ accuracy: ConvolutionAccuracy = .fast) -> ConvolutionMethod {
      let image = ImageSize(height: side, width: side)
      return .choose(parameters, .channelsLast, image: image, accuracy: accuracy)
    }
    #expect(method(56) == .winograd4)
    #expect(method(56, .precise) == .winograd2)
    #expect(method(7) == .winograd2)
    #expect(method(1) == .unfolded)
    parameters.strideX = 2
    #expect(method(56) == .unfolded)
  }
}

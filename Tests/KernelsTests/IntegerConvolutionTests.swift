import Kernels
import Testing

private func parameters(_ random: inout Randomness, _ round: Int) -> ConvolutionParameters {
  let groups = random.pick([1, 1, 2])
  let isDepthwise = round % 4 == 0
  let channels = random.pick([1, 3, 4, 8, 17, 40])
  var result = ConvolutionParameters(
    inputChannels: isDepthwise ? channels : groups * random.pick([1, 3, 4, 8, 17]),
    outputChannels: isDepthwise ? channels : groups * random.pick([1, 5, 16, 33]),
    kernelHeight: random.int(1...3), kernelWidth: random.int(1...3))
  result.groups = isDepthwise ? channels : groups
  if round % 5 == 1 {
    result.kernelHeight = 1
    result.kernelWidth = 1
    return result
  }
  (result.strideY, result.strideX) = (random.int(1...2), random.int(1...3))
  (result.dilationY, result.dilationX) = (random.int(1...2), random.int(1...2))
  (result.padTop, result.padLeft) = (random.int(0...2), random.int(0...2))
  (result.padBottom, result.padRight) = (random.int(0...2), random.int(0...2))
  return result
}

@Suite struct IntegerConvolutionTests {
  @Test(arguments: [ImageLayout.channelsFirst, .channelsLast])
  func convolutionsEqualTheReferenceAtEveryLevel(layout: ImageLayout) {
    var random = Randomness.seeded()
    let pool = ThreadPool(workerCount: 2)
    for round in 0..<40 {
      let parameters = parameters(&random, round)
      let batch = random.int(0...2)
      let (height, width) = (random.int(1...12), random.int(1...14))
      guard let size = parameters.outputSize(height: height, width: width) else { continue }
      let (isSigned, weightsSigned) = (random.bool(), random.pick([true, true, false]))
      let bytes = Bytes(batch * parameters.inputChannels * height * width, &random)
      let input = bytes.matrix(isSigned: isSigned, .uniform(Int32(random.int(0...127))))
      let taps = parameters.kernelHeight * parameters.kernelWidth
      let depth = parameters.inputChannels / parameters.groups * taps
      let kernel = Bytes(parameters.outputChannels * depth, &random)
      if round % 3 == 0 {
        // Seven bits, which some kernels take four at a time.
        for index in 0..<kernel.count {
          let value = UInt8(bitPattern: Int8(bitPattern: kernel.base[index]) >> 1)
          kernel.base[index] = weightsSigned ? value : value ^ 0x80
        }
      }
      let zeroPoints = Integers(parameters.outputChannels, &random, weightsSigned ? -5...5 : 100...140)
      let weights = kernel.matrix(
        isSigned: weightsSigned, random.pick([.uniform(0), .each(UnsafePointer(zeroPoints.base))]))
      let scales = Floats(parameters.outputChannels, &random, 0.5...1.5)
      let biases = Integers(parameters.outputChannels, &random, -900...900)
      let scale = IntegerScale(0.02 / Float(depth), columnScales: UnsafePointer(scales.base))
      let requantization = Requantization(
        zeroPoint: 100, isSigned: isSigned, bias: UnsafePointer(biases.base))
      let epilogue = Epilogue(columnBias: UnsafePointer(scales.base), activation: .relu)
      func outputs() -> (Bytes, Floats, Bytes) {
        let count = batch * parameters.outputChannels * size.height * size.width
        return (Bytes(4 * count), Floats(count), Bytes(count, offset: 1))
      }
      func run(_ results: (Bytes, Floats, Bytes), _ convolve: (IntegerOutput) -> Void) {
        convolve(.sums(UnsafeMutableRawPointer(results.0.base).assumingMemoryBound(to: Int32.self)))
        convolve(.floats(results.1.base, scale, epilogue))
        convolve(.quantized(results.2.base, scale, requantization))
      }
      let expected = outputs()
      run(expected) { output in
        Reference.integerConvolution(
          parameters, layout: layout, input, batch: batch, height: height, width: width, weights: weights,
          output: output)
      }
      for table in tables {
        let convolution = IntegerConvolution(parameters, weights: weights, layout: layout, table: table)
        let team = random.bool() ? ThreadTeam.single : ThreadTeam(pool)
        let scratch = Scratch(
          convolution.scratchByteCount(batch: batch, height: height, width: width, team: team))
        let results = outputs()
        run(results) { output in
          convolution.run(
            input, batch: batch, height: height, width: width, output: output, scratch: scratch.pointer,
            team: team)
        }
        let name: Comment =
          "\(table.instructionSet), VNNI \(table.usesVNNI), \(convolution.method), \(parameters)"
        #expect(results.0.guardsAreIntact && results.0.array == expected.0.array, name)
        #expect(difference(results.1, expected.1, tolerance: 1e-5, relative: 1e-5) == nil, name)
        #expect(results.2.guardsAreIntact && results.2.array == expected.2.array, name)
      }
    }
  }

  @Test func aResidualFollowsThePixels() {
    var random = Randomness.seeded()
    let parameters = ConvolutionParameters(
      inputChannels: 5, outputChannels: 9, kernelHeight: 1, kernelWidth: 1)
    let (bytes, kernel) = (Bytes(5 * 200, &random), Bytes(45, &random))
    let input = bytes.matrix(isSigned: false, .uniform(7))
    let weights = kernel.matrix(isSigned: true, .uniform(0))
    let residual = Floats(9 * 200, &random)
    let epilogue = Epilogue(residual: UnsafePointer(residual.base))
    let expected = Floats(9 * 200)
    Reference.integerConvolution(
      parameters, layout: .channelsLast, input, batch: 1, height: 10, width: 20, weights: weights,
      output: .floats(expected.base, IntegerScale(0.01)))
    for index in 0..<expected.count { expected.base[index] += residual.base[index] }
    for table in tables {
      let convolution = IntegerConvolution(
        parameters, weights: weights, layout: .channelsLast, table: table)
      let scratch = Scratch(convolution.scratchByteCount(batch: 1, height: 10, width: 20, team: .single))
      let result = Floats(9 * 200)
      convolution.run(
        input, batch: 1, height: 10, width: 20, output: .floats(result.base, IntegerScale(0.01), epilogue),
        scratch: scratch.pointer, team: .single)
      #expect(difference(result, expected, tolerance: 1e-4) == nil, "\(table.instructionSet)")
    }
  }
}

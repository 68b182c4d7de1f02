import Kernels

// Products and convolutions of short numbers.
extension Workload {
  private static func weights(_ count: Int, bits: Int?) -> [Int8] {
    (0..<count).map { Int8(truncatingIfNeeded: $0 &* 37) >> (bits == 8 ? 0 : 1) }
  }

  /// A product whose activations are quantised on the way, with bias.
  static func dynamicProduct(_ request: Case, _ table: KernelTable, _ team: ThreadTeam) throws -> Workload {
    let (m, k, n) = (try require(request.m, "m"), try require(request.k, "k"), try require(request.n, "n"))
    let shape = MatmulShape(m: m, n: n, k: k)
    let bytes = weights(k * n, bits: request.bits)
    let weights = bytes.withUnsafeBufferPointer {
      PackedIntegerMatrix(IntegerMatrix($0.baseAddress.unsafelyUnwrapped), k: k, n: n, table: table)
    }
    let (a, c, bias) = (Floats(m * k), Floats(m * n), Floats(n))
    let scratch = Floats(table.integerMatmulScratchByteCount(shape, packed: true, team: team) / 4 + 16)
    let operations = 2 * Double(m) * Double(n) * Double(k)
    return Workload(method: table.integerChoice(shape, b: weights).kernel) {
      table.dynamicMatmul(
        shape, a: a.base, b: weights, scale: IntegerScale(0.01), c: c.base,
        epilogue: Epilogue(columnBias: UnsafePointer(bias.base)), scratch: scratch.base, team: team)
      return operations
    }
  }

  /// A product of float32 activations, rounded to bfloat16 on the way, with such weights and bias.
  static func bfloatProduct(_ request: Case, _ table: KernelTable, _ team: ThreadTeam) throws -> Workload {
    let (m, k, n) = (try require(request.m, "m"), try require(request.k, "k"), try require(request.n, "n"))
    let shape = MatmulShape(m: m, n: n, k: k)
    let values = Floats(k * n)
    let weights = withExtendedLifetime(values) {
      CompressedMatrix(values.base, k: k, n: n, format: .bfloat16Products, table: table)
    }
    let (a, c, bias) = (Floats(m * k), Floats(m * n), Floats(n))
    let scratch = Floats(table.compressedMatmulScratchByteCount(shape, b: weights, team: team) / 4 + 16)
    let operations = 2 * Double(m) * Double(n) * Double(k)
    return Workload(method: table.choice(shape, compressed: .bfloat16Products).kernel) {
      table.compressedMatmul(
        shape, a: a.base, b: weights, c: c.base,
        epilogue: Epilogue(columnBias: UnsafePointer(bias.base)), scratch: scratch.base, team: team)
      return operations
    }
  }

  /// A convolution of unsigned bytes with signed weights into unsigned bytes, with bias and Relu.
  static func integerConvolution(_ request: Case, _ table: KernelTable, _ team: ThreadTeam) throws -> Workload
  {
    let parameters = try convolutionParameters(request)
    let (size, batch) = (try require(request.size, "size"), try require(request.batch, "batch"))
    let depth =
      parameters.inputChannels / parameters.groups * parameters.kernelHeight * parameters.kernelWidth
    let outputSize = try require(parameters.outputSize(height: size, width: size), "size")
    let bytes = weights(parameters.outputChannels * depth, bits: request.bits)
    let convolution = bytes.withUnsafeBufferPointer {
      IntegerConvolution(
        parameters, weights: IntegerMatrix($0.baseAddress.unsafelyUnwrapped),
        layout: request.layout == "channels-last" ? .channelsLast : .channelsFirst, table: table)
    }
    let outputCount = batch * parameters.outputChannels * outputSize.height * outputSize.width
    let input = Floats((batch * parameters.inputChannels * size * size + 3) / 4)
    let (output, biases) = (Floats((outputCount + 3) / 4), Floats(parameters.outputChannels))
    let scratch = Floats(
      convolution.scratchByteCount(batch: batch, height: size, width: size, team: team) / 4 + 16)
    let requantization = Requantization(
      zeroPoint: 0, isSigned: false,
      bias: UnsafeRawPointer(biases.base).assumingMemoryBound(to: Int32.self))
    let operations = 2 * Double(outputCount) * Double(depth)
    return Workload(method: convolution.method.rawValue) {
      let matrix = IntegerMatrix(
        UnsafeRawPointer(input.base).assumingMemoryBound(to: UInt8.self), zeroPoint: .uniform(128))
      convolution.run(
        matrix, batch: batch, height: size, width: size,
        output: .quantized(output.base, IntegerScale(0.001), requantization), scratch: scratch.base,
        team: team)
      return operations
    }
  }
}

extension Reference {
  /// As `KernelTable.integerMatmul` with B as it is.
  public static func integerMatmul(
    _ shape: MatmulShape, a: IntegerMatrix, b: IntegerMatrix, output: IntegerOutput
  ) {
    for row in 0..<shape.m {
      for column in 0..<shape.n {
        var sum: Int32 = 0
        for inner in 0..<shape.k {
          let left = a.stored(row * shape.strideA + inner) - a.zeroPoint[row]
          let offset =
            shape.transposeB ? column * shape.strideB + inner : inner * shape.strideB + column
          sum &+= left &* (b.stored(offset) - b.zeroPoint[column])
        }
        store(sum, output, row: row, column: column, stride: shape.strideC)
      }
    }
  }

  static func store(_ sum: Int32, _ output: IntegerOutput, row: Int, column: Int, stride: Int) {
    let target = row * stride + column
    switch output {
    case .sums(let c): c[target] = sum
    case .floats(let c, let scale, let epilogue):
      var value = Double(sum) * Double(scale.scale) * Double(scale.columnScales?[column] ?? 1)
      value += Double(epilogue.columnBias?[column] ?? 0) + Double(epilogue.rowBias?[row] ?? 0)
      if let residual = epilogue.residual {
        value += Double(residual[row * (epilogue.residualStride ?? stride) + column])
      }
      c[target] = apply(epilogue.activation, Float(value))
    case .quantized(let c, let scale, let requantization):
      // In float32, as the operator is defined: the rounding of ties depends on it.
      let factor = scale.columnScales.map { $0[column] * scale.scale } ?? scale.scale
      let scaled = Float(sum &+ (requantization.bias?[column] ?? 0)) * factor
      let rounded = scaled.rounded(.toNearestOrEven) + Float(requantization.zeroPoint)
      let range = requantization.range
      let value = Int32(min(max(rounded, Float(range.lowerBound)), Float(range.upperBound)))
      c.storeBytes(of: UInt8(truncatingIfNeeded: value), toByteOffset: target, as: UInt8.self)
    }
  }

  /// As `IntegerConvolution.run`, with weights [output channel, input channel of the group, y, x].
  public static func integerConvolution(
    _ parameters: ConvolutionParameters, layout: ImageLayout, _ input: IntegerMatrix, batch: Int, height: Int,
    width: Int, weights: IntegerMatrix, output: IntegerOutput
  ) {
    guard let size = parameters.outputSize(height: height, width: width) else { return }
    let inputs = ImageIndex(layout, channels: parameters.inputChannels, height: height, width: width)
    let outputs = ImageIndex(
      layout, channels: parameters.outputChannels, height: size.height, width: size.width)
    for position in 0..<(batch * parameters.outputChannels * size.height * size.width) {
      let x = position % size.width
      let y = position / size.width % size.height
      let channel = position / size.width / size.height % parameters.outputChannels
      let image = position / size.width / size.height / parameters.outputChannels
      let sum = convolutionSum(
        parameters, input, inputs, weights, image: image, channel: channel, outputY: y, outputX: x)
      let target = outputs.offset(image, channel, y, x)
      let part = output.moved(to: output.pointer + (target - channel) * output.elementByteCount)
      store(sum, part, row: 0, column: channel, stride: 0)
    }
  }

  private static func convolutionSum(
    _ parameters: ConvolutionParameters, _ input: IntegerMatrix, _ index: ImageIndex,
    _ weights: IntegerMatrix, image: Int, channel: Int, outputY: Int, outputX: Int
  ) -> Int32 {
    let channelsPerGroup = parameters.inputChannels / parameters.groups
    let group = channel / (parameters.outputChannels / parameters.groups)
    var sum: Int32 = 0
    for inner in 0..<channelsPerGroup {
      for kernelY in 0..<parameters.kernelHeight {
        for kernelX in 0..<parameters.kernelWidth {
          let y = outputY * parameters.strideY + kernelY * parameters.dilationY - parameters.padTop
          let x = outputX * parameters.strideX + kernelX * parameters.dilationX - parameters.padLeft
          guard y >= 0, y < index.height, x >= 0, x < index.width else { continue }
          let row = (channel * channelsPerGroup + inner) * parameters.kernelHeight + kernelY
          let weight = weights.stored(row * parameters.kernelWidth + kernelX) - weights.zeroPoint[channel]
          let source = index.offset(image, group * channelsPerGroup + inner, y, x)
          sum &+= (input.stored(source) - input.zeroPoint[0]) &* weight
        }
      }
    }
    return sum
  }

  /// As `KernelTable.quantize`.
  public static func quantize(
    _ x: UnsafePointer<Float>, _ y: UnsafeMutableRawPointer, count: Int, _ quantization: Quantization
  ) {
    let bounds = Requantization.bounds(isSigned: quantization.isSigned)
    for index in 0..<count {
      let quotient = x[index] / quantization.scale
      let rounded = quotient.isNaN ? -.infinity : quotient.rounded(.toNearestOrEven)
      let shifted = rounded + Float(quantization.zeroPoint)
      let value = Int32(min(max(shifted, Float(bounds.lowerBound)), Float(bounds.upperBound)))
      y.storeBytes(of: UInt8(truncatingIfNeeded: value), toByteOffset: index, as: UInt8.self)
    }
  }

  /// As `KernelTable.dequantize`.
  public static func dequantize(
    _ x: UnsafeRawPointer, _ y: UnsafeMutablePointer<Float>, count: Int, _ quantization: Quantization
  ) {
    for index in 0..<count {
      let byte = x.load(fromByteOffset: index, as: UInt8.self)
      let stored = quantization.isSigned ? Int32(Int8(bitPattern: byte)) : Int32(byte)
      y[index] = Float(stored - quantization.zeroPoint) * quantization.scale
    }
  }
}

extension Reference {
  /// As `Convolution.run`, with weights [output channel, input channel of the group, y, x].
  public static func convolution(
    _ parameters: ConvolutionParameters, layout: ImageLayout, _ input: UnsafePointer<Float>, batch: Int,
    height: Int,
    width: Int, weights: UnsafePointer<Float>, bias: UnsafePointer<Float>? = nil,
    residual: UnsafePointer<Float>? = nil, activation: Activation = .none, output: UnsafeMutablePointer<Float>
  ) {
    guard let size = parameters.outputSize(height: height, width: width) else { return }
    let inputs = ImageIndex(layout, channels: parameters.inputChannels, height: height, width: width)
    let outputs = ImageIndex(
      layout, channels: parameters.outputChannels, height: size.height, width: size.width)
    for image in 0..<batch {
      for channel in 0..<parameters.outputChannels {
        for y in 0..<size.height {
          for x in 0..<size.width {
            var sum = convolutionSum(
              parameters, input, inputs, weights, image: image, channel: channel, outputY: y, outputX: x)
            let target = outputs.offset(image, channel, y, x)
            if let bias { sum += Double(bias[channel]) }
            if let residual { sum += Double(residual[target]) }
            output[target] = apply(activation, Float(sum))
          }
        }
      }
    }
  }

  private static func convolutionSum(
    _ parameters: ConvolutionParameters, _ input: UnsafePointer<Float>, _ index: ImageIndex,
    _ weights: UnsafePointer<Float>, image: Int, channel: Int, outputY: Int, outputX: Int
  ) -> Double {
    let channelsPerGroup = parameters.inputChannels / parameters.groups
    let group = channel / (parameters.outputChannels / parameters.groups)
    var sum = 0.0
    for inner in 0..<channelsPerGroup {
      for kernelY in 0..<parameters.kernelHeight {
        for kernelX in 0..<parameters.kernelWidth {
          let y = outputY * parameters.strideY + kernelY * parameters.dilationY - parameters.padTop
          let x = outputX * parameters.strideX + kernelX * parameters.dilationX - parameters.padLeft
          guard y >= 0, y < index.height, x >= 0, x < index.width else { continue }
          let row = (channel * channelsPerGroup + inner) * parameters.kernelHeight + kernelY
          let weight = weights[row * parameters.kernelWidth + kernelX]
          sum += Double(weight) * Double(input[index.offset(image, group * channelsPerGroup + inner, y, x)])
        }
      }
    }
    return sum
  }
}

extension Reference {
  /// As `TransposedConvolution.run`, with its weights' order.
  public static func transposedConvolution(
    _ parameters: TransposedConvolutionParameters, _ input: UnsafePointer<Float>, batch: Int, height: Int,
    width: Int, weights: UnsafePointer<Float>, bias: UnsafePointer<Float>? = nil,
    residual: UnsafePointer<Float>? = nil, activation: Activation = .none, output: UnsafeMutablePointer<Float>
  ) {
    guard let size = parameters.outputSize(height: height, width: width) else { return }
    let channels = parameters.window.outputChannels
    for target in 0..<(batch * channels * size.height * size.width) {
      let (x, y) = (target % size.width, target / size.width % size.height)
      let plane = target / (size.width * size.height)
      var sum = transposedSum(
        parameters.window, input + plane / channels * parameters.window.inputChannels * height * width,
        height, width, weights, channel: plane % channels, y: y, x: x)
      if let bias { sum += Double(bias[plane % channels]) }
      if let residual { sum += Double(residual[target]) }
      output[target] = apply(activation, Float(sum))
    }
  }

  /// The sum over all input pixels that the convolution from output to input would reach this one from.
  private static func transposedSum(
    _ window: ConvolutionParameters, _ image: UnsafePointer<Float>, _ height: Int, _ width: Int,
    _ weights: UnsafePointer<Float>, channel: Int, y: Int, x: Int
  ) -> Double {
    let (inputs, outputs) = (
      window.inputChannels / window.groups, window.outputChannels / window.groups
    )
    let group = channel / outputs
    var sum = 0.0
    for kernelY in 0..<window.kernelHeight {
      for kernelX in 0..<window.kernelWidth {
        let fromY = y + window.padTop - kernelY * window.dilationY
        let fromX = x + window.padLeft - kernelX * window.dilationX
        guard fromY >= 0, fromX >= 0, fromY % window.strideY == 0, fromX % window.strideX == 0,
          fromY / window.strideY < height, fromX / window.strideX < width
        else { continue }
        let pixel = fromY / window.strideY * width + fromX / window.strideX
        for input in (group * inputs)..<((group + 1) * inputs) {
          let filter = (input * outputs + channel % outputs) * window.kernelHeight + kernelY
          sum +=
            Double(weights[filter * window.kernelWidth + kernelX])
            * Double(image[input * height * width + pixel])
        }
      }
    }
    return sum
  }

  /// As `VolumeConvolution.run`, with its weights' order.
  public static func volumeConvolution(
    _ parameters: VolumeParameters, _ input: UnsafePointer<Float>, batch: Int, depth: Int, height: Int,
    width: Int, weights: UnsafePointer<Float>, bias: UnsafePointer<Float>? = nil,
    residual: UnsafePointer<Float>? = nil, activation: Activation = .none, output: UnsafeMutablePointer<Float>
  ) {
    guard let size = parameters.outputSize(depth: depth, height: height, width: width) else { return }
    let plane = parameters.plane
    let channels = plane.outputChannels
    for target in 0..<(batch * channels * size.depth * size.height * size.width) {
      let x = target % size.width
      let y = target / size.width % size.height
      let z = target / (size.width * size.height) % size.depth
      let channel = target / (size.width * size.height * size.depth) % channels
      let image = target / (size.width * size.height * size.depth * channels)
      let inputs = plane.inputChannels / plane.groups
      let firstInput = channel / (channels / plane.groups) * inputs
      var sum = 0.0
      for tap in 0..<(inputs * parameters.kernelDepth * plane.kernelHeight * plane.kernelWidth) {
        let kernelX = tap % plane.kernelWidth
        let kernelY = tap / plane.kernelWidth % plane.kernelHeight
        let kernelZ = tap / (plane.kernelWidth * plane.kernelHeight) % parameters.kernelDepth
        let inner = tap / (plane.kernelWidth * plane.kernelHeight * parameters.kernelDepth)
        let fromX = x * plane.strideX + kernelX * plane.dilationX - plane.padLeft
        let fromY = y * plane.strideY + kernelY * plane.dilationY - plane.padTop
        let fromZ = z * parameters.strideZ + kernelZ * parameters.dilationZ - parameters.padFront
        guard 0..<width ~= fromX, 0..<height ~= fromY, 0..<depth ~= fromZ else { continue }
        let slice = (image * plane.inputChannels + firstInput + inner) * depth + fromZ
        let weight = weights[
          channel * inputs * parameters.kernelDepth * plane.kernelHeight * plane.kernelWidth + tap]
        sum += Double(weight) * Double(input[(slice * height + fromY) * width + fromX])
      }
      if let bias { sum += Double(bias[channel]) }
      if let residual { sum += Double(residual[target]) }
      output[target] = apply(activation, Float(sum))
    }
  }
}

/// Where an element of an image tensor lies.
struct ImageIndex {
  let layout: ImageLayout
  let channels: Int
  let height: Int
  let width: Int

  init(_ layout: ImageLayout, channels: Int, height: Int, width: Int) {
    self.layout = layout
    self.channels = channels
    self.height = height
    self.width = width
  }

  func offset(_ image: Int, _ channel: Int, _ y: Int, _ x: Int) -> Int {
    switch layout {
    case .channelsFirst: ((image * channels + channel) * height + y) * width + x
    case .channelsLast: ((image * height + y) * width + x) * channels + channel
    }
  }
}

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

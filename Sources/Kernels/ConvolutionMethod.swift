/// How a convolution is computed.
public enum ConvolutionMethod: String, Sendable {
  /// One filter a channel: its own kernel.
  case depthwise
  /// A 1 × 1 kernel over channels-last pixels: the input is the product's left-hand matrix as it is.
  case pointwise
  /// A matrix product, whose other operand is unfolded from the image, a panel or a few rows at a time.
  case unfolded

  /// The method for a convolution: a pure function of its parameters and layout.
  public static func choose(_ parameters: ConvolutionParameters, _ layout: ImageLayout) -> ConvolutionMethod {
    let taps = parameters.kernelHeight * parameters.kernelWidth
    let isDepthwise =
      taps <= maximumDepthwiseTaps && parameters.groups == parameters.inputChannels
      && parameters.groups == parameters.outputChannels
      && parameters.groups > 1
    if isDepthwise { return .depthwise }
    let isOneByOne = parameters.kernelHeight == 1 && parameters.kernelWidth == 1
    let isDense = parameters.strideX == 1 && parameters.strideY == 1
    let pads = parameters.padTop | parameters.padLeft | parameters.padBottom | parameters.padRight
    return layout == .channelsLast && isOneByOne && isDense && pads == 0 ? .pointwise : .unfolded
  }
}

/// As many as each level's `maximumTaps`.
private let maximumDepthwiseTaps = 128

/// What a two-dimensional convolution does, apart from the size of its input. A one-dimensional one has
/// a kernel of height 1 and an input of height 1.
public struct ConvolutionParameters: Sendable, Hashable {
  public var inputChannels: Int
  public var outputChannels: Int
  /// Divides both numbers of channels.
  public var groups = 1
  public var kernelHeight: Int
  public var kernelWidth: Int
  public var strideY = 1
  public var strideX = 1
  public var dilationY = 1
  public var dilationX = 1
  public var padTop = 0
  public var padLeft = 0
  public var padBottom = 0
  public var padRight = 0

  public init(inputChannels: Int, outputChannels: Int, kernelHeight: Int, kernelWidth: Int) {
    self.inputChannels = inputChannels
    self.outputChannels = outputChannels
    self.kernelHeight = kernelHeight
    self.kernelWidth = kernelWidth
  }

  /// The output's size for an input's; nil if the parameters are not positive, a number overflows, or
  /// the kernel is larger than the padded input.
  public func outputSize(height: Int, width: Int) -> (height: Int, width: Int)? {
    guard
      let outputHeight = Self.outputExtent(
        height, kernel: kernelHeight, stride: strideY, dilation: dilationY, pads: (padTop, padBottom)),
      let outputWidth = Self.outputExtent(
        width, kernel: kernelWidth, stride: strideX, dilation: dilationX, pads: (padLeft, padRight))
    else { return nil }
    return (outputHeight, outputWidth)
  }

  /// ⌊(extent + pads − dilation · (kernel − 1) − 1) / stride⌋ + 1 with every step checked.
  static func outputExtent(
    _ extent: Int, kernel: Int, stride: Int, dilation: Int, pads: (Int, Int), ceiling: Bool = false
  ) -> Int? {
    guard extent >= 0, kernel > 0, stride > 0, dilation > 0, pads.0 >= 0, pads.1 >= 0 else { return nil }
    let (once, overflow1) = extent.addingReportingOverflow(pads.0)
    let (padded, overflow2) = once.addingReportingOverflow(pads.1)
    let (reach, overflow3) = (kernel - 1).multipliedReportingOverflow(by: dilation)
    guard !overflow1, !overflow2, !overflow3, padded > reach else { return nil }
    let room = padded - reach - 1
    return room / stride + (ceiling && room % stride != 0 ? 1 : 0) + 1
  }
}

/// The order of an image tensor's dimensions.
public enum ImageLayout: Sendable, Hashable {
  /// [batch, channels, height, width]: NCHW, as ONNX has it.
  case channelsFirst
  /// [batch, height, width, channels]: NHWC.
  case channelsLast
}

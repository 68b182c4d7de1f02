/// How a convolution is computed.
public enum ConvolutionMethod: String, Sendable, Hashable {
  /// One filter a channel: its own kernel.
  case depthwise
  /// A 1 × 1 kernel over channels-last pixels: the input is the product's left-hand matrix as it is.
  case pointwise
  /// A matrix product, whose other operand is unfolded from the image, a panel or a few rows at a time.
  case unfolded
  /// Channels-first images transposed to channels-last ones, computed as those are, and transposed back.
  case throughPixels
  /// A product whose left-hand matrix is the image, whose rows are read where they overlap: for few channels.
  case direct
  /// F(2 × 2, 3 × 3): 2.25 times fewer multiplications than by the definition, for tiles of 4 × 4 pixels.
  case winograd2
  /// F(4 × 4, 3 × 3): 4 times fewer, for tiles of 6 × 6 pixels; it rounds more.
  case winograd4

  var isWinograd: Bool { self == .winograd2 || self == .winograd4 }

  /// The method for a convolution: a pure function of its parameters, layout and the image that it is made for.
  ///
  /// Depthwise and pointwise ones and those of few channels have a kernel of their own. A dense 3 × 3 one of stride 1 is a matter of
  /// cost: fewer multiplications, but more weights to read, and transforms.
  ///
  /// - Parameters:
  ///   - image: the input's size, if it is known. Without it the image is taken to be large.
  ///   - accuracy: what the method may round.
  public static func choose(
    _ parameters: ConvolutionParameters, _ layout: ImageLayout, image: ImageSize? = nil,
    accuracy: ConvolutionAccuracy = .fast
  ) -> ConvolutionMethod {
    if parameters.isDepthwise {
      let isNarrow = layout == .channelsFirst && hasNarrowRows(parameters, image ?? unknownImage)
      return isNarrow ? .throughPixels : .depthwise
    }
    if parameters.isDirect { return .direct }
    if parameters.allowsWinograd {
      let winograd = chooseWinograd(parameters, image ?? unknownImage, accuracy)
      if winograd != .unfolded { return winograd }
    }
    if layout == .channelsLast { return parameters.isPointwise ? .pointwise : .unfolded }
    return prefersPixels(parameters, image ?? unknownImage) ? .throughPixels : .unfolded
  }

  /// Rows that leave vectors half empty, of images that stay in the cache while they are transposed.
  private static func hasNarrowRows(_ parameters: ConvolutionParameters, _ image: ImageSize) -> Bool {
    guard parameters.inputChannels >= 16,
      let size = parameters.outputSize(height: image.height, width: image.width)
    else { return false }
    let moved = Double(image.height) * Double(image.width) * Double(parameters.inputChannels)
    return size.width <= 28 && moved <= 256 * 1024
  }

  /// Whether to transpose an image twice takes less than its planes would cost: panels of positions that
  /// are unfolded piece by piece, the last of them half empty.
  private static func prefersPixels(_ parameters: ConvolutionParameters, _ image: ImageSize) -> Bool {
    let inputs = parameters.inputChannels / parameters.groups
    guard inputs >= 16, parameters.outputChannels / parameters.groups >= 16,
      let size = parameters.outputSize(height: image.height, width: image.width)
    else { return false }
    let positions = Double(size.height) * Double(size.width)
    let taps = Double(inputs) * Double(parameters.kernelHeight * parameters.kernelWidth)
    let vectors = positions * taps * Double(parameters.outputChannels) / 16
    let waste = ((positions / 32).rounded(.up) * 32 - positions) / positions
    let moved =
      Double(image.height) * Double(image.width) * Double(parameters.inputChannels)
      + positions * Double(parameters.outputChannels)
    let gain = vectors * (waste + (parameters.isPointwise ? 0.04 : 0.15))
    return moved <= 4 * 1024 * 1024 && gain > 0.6 * moved
  }

  private static func chooseWinograd(
    _ parameters: ConvolutionParameters, _ image: ImageSize, _ accuracy: ConvolutionAccuracy
  ) -> ConvolutionMethod {
    guard let size = parameters.outputSize(height: image.height, width: image.width) else { return .unfolded }
    let plain = cost(parameters, places: 9, tiles: Double(size.height * size.width), transforms: 0)
    let small = cost(parameters, places: 16, tiles: tiles(size, 2), transforms: 100)
    let large = cost(parameters, places: 36, tiles: tiles(size, 4), transforms: 275)
    if accuracy == .fast, large <= small, large < plain { return .winograd4 }
    return small < plain ? .winograd2 : .unfolded
  }

  private static func tiles(_ size: (height: Int, width: Int), _ side: Int) -> Double {
    Double((size.height + side - 1) / side) * Double((size.width + side - 1) / side)
  }

  /// Multiplications of each pair of channels, and what takes as long as some of them: to bring the weights
  /// from memory (`bytesPerWeight` of them), and to transform a tile of one input and one output channel.
  private static func cost(
    _ parameters: ConvolutionParameters, places: Double, tiles: Double, transforms: Double
  ) -> Double {
    let channels = 1 / Double(parameters.inputChannels) + 1 / Double(parameters.outputChannels)
    return places * tiles + places * weightCost + tiles * transforms * channels
  }
}

/// Multiplications in the time that a weight takes from memory: at 59 · 10⁹ of them and 40 · 10⁹ bytes a second.
private let weightCost = 6.0

/// What a convolution of images of unknown size is made for.
private let unknownImage = ImageSize(height: 64, width: 64)

/// What a convolution's method may round.
public enum ConvolutionAccuracy: Sendable, Hashable {
  /// Whatever is fastest: F(4 × 4, 3 × 3) too.
  case fast
  /// Nothing that rounds noticeably more than the plain sum does.
  case precise
}

/// The height and width of an image.
public struct ImageSize: Sendable, Hashable {
  public var height: Int
  public var width: Int

  public init(height: Int, width: Int) {
    self.height = height
    self.width = width
  }
}

extension ConvolutionParameters {
  var isDepthwise: Bool {
    kernelHeight * kernelWidth <= maximumDepthwiseTaps && groups > 1 && groups == inputChannels
      && groups == outputChannels
  }

  /// So few channels that to unfold a pixel would take as long as to multiply it.
  var isDirect: Bool {
    inputChannels <= 4 && groups == 1 && dilationX == 1 && kernelHeight * kernelWidth > 1
  }

  /// A pixel's product with a matrix, and nothing else.
  var isPointwise: Bool {
    kernelHeight == 1 && kernelWidth == 1 && strideX == 1 && strideY == 1
      && padTop | padLeft | padBottom | padRight == 0
  }

  /// A dense 3 × 3 kernel with channels for whole vectors.
  var allowsWinograd: Bool {
    kernelHeight == 3 && kernelWidth == 3 && strideY == 1 && strideX == 1 && dilationY == 1 && dilationX == 1
      && groups == 1 && inputChannels >= 8 && outputChannels >= 8
  }
}

/// As many as each level's `maximumTaps`.
private let maximumDepthwiseTaps = 128

/// A two-dimensional convolution, prepared: its weights are packed once for a table's kernels.
public final class Convolution: Sendable {
  public let parameters: ConvolutionParameters
  public let layout: ImageLayout
  public let activation: Activation
  private let weights: AlignedMemory
  private let bias: AlignedMemory?

  /// - Parameters:
  ///   - weights: [outputChannels, inputChannels / groups, kernelHeight, kernelWidth], copied.
  ///   - bias: one value an output channel, copied.
  ///   - layout: of the input, the output and the residual.
  public init(
    _ parameters: ConvolutionParameters, weights: UnsafePointer<Float>, bias: UnsafePointer<Float>? = nil,
    activation: Activation = .none, layout: ImageLayout = .channelsFirst, table: KernelTable
  ) {
    self.parameters = parameters
    self.layout = layout
    self.activation = activation
    let perFilter =
      parameters.inputChannels / parameters.groups * parameters.kernelHeight * parameters.kernelWidth
    self.weights = AlignedMemory(floatCount: parameters.outputChannels * perFilter)
    self.weights.floats.update(from: weights, count: parameters.outputChannels * perFilter)
    if let bias {
      let copy = AlignedMemory(floatCount: parameters.outputChannels)
      copy.floats.update(from: bias, count: parameters.outputChannels)
      self.bias = copy
    } else {
      self.bias = nil
    }
  }

  /// Bytes of scratch that `run` needs for an input of this size.
  public func scratchByteCount(batch: Int, height: Int, width: Int, team: ThreadTeam) -> Int { 0 }

  /// output = activation(convolution(input) + bias + residual).
  ///
  /// - Parameters:
  ///   - residual: of the output's shape, or nil; it may be the output itself.
  ///   - output: sized by `parameters.outputSize(height:width:)`.
  public func run(
    _ input: UnsafePointer<Float>, batch: Int, height: Int, width: Int, output: UnsafeMutablePointer<Float>,
    residual: UnsafePointer<Float>? = nil, scratch: UnsafeMutableRawPointer?, team: ThreadTeam
  ) {
    Reference.convolution(
      parameters, layout: layout, input, batch: batch, height: height, width: width, weights: weights.floats,
      bias: bias.map { UnsafePointer($0.floats) }, residual: residual, activation: activation, output: output)
  }
}

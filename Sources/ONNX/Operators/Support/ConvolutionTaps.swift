import Kernels
import Locks
import Tensors

/// Packed weights of a convolution of images or of volumes.
enum ConvolutionTaps: Sendable {
  case plane(Convolution)
  case volume(VolumeConvolution)

  /// - Parameter geometry: of an image like those that will come.
  init(
    _ geometry: ConvolutionGeometry, weights: UnsafePointer<Float>, bias: UnsafePointer<Float>?,
    activation: Activation, layout: ImageLayout = .channelsFirst, kernels: KernelTable
  ) {
    let image = ImageSize(height: geometry.height, width: geometry.width)
    if let volume = geometry.volume {
      self = .volume(
        VolumeConvolution(
          volume, weights: weights, bias: bias, activation: activation, image: image, table: kernels))
    } else {
      self = .plane(
        Convolution(
          geometry.parameters, weights: weights, bias: bias, activation: activation, layout: layout,
          image: image, table: kernels))
    }
  }

  func scratchBytes(_ geometry: ConvolutionGeometry, _ team: ThreadTeam) -> Int {
    switch self {
    case .plane(let convolution):
      convolution.scratchByteCount(
        batch: geometry.batch, height: geometry.height, width: geometry.width, team: team)
    case .volume(let convolution):
      convolution.scratchByteCount(height: geometry.height, width: geometry.width, team: team)
    }
  }

  func run(
    _ geometry: ConvolutionGeometry, x: UnsafePointer<Float>, y: UnsafeMutablePointer<Float>,
    residual: UnsafePointer<Float>?, scratch: UnsafeMutableRawPointer, team: ThreadTeam
  ) {
    switch self {
    case .plane(let convolution):
      convolution.run(
        x, batch: geometry.batch, height: geometry.height, width: geometry.width, output: y,
        residual: residual, scratch: scratch, team: team)
    case .volume(let convolution):
      convolution.run(
        x, batch: geometry.batch, depth: geometry.depth, height: geometry.height, width: geometry.width,
        output: y, residual: residual, scratch: scratch, team: team)
    }
  }
}

/// A convolution's constant weights, packed once and shared by all plans: the way that is best for the size
/// of the first image. Where the padding depends on that there is one packing for each padding that comes.
final class PackedConvolution: Sendable {
  /// The weights as the model has them, until no further packing can be asked for.
  private struct Source {
    let weights: Constant
    let bias: Constant?
  }

  private struct Key: Hashable {
    let parameters: ConvolutionParameters
    let volume: VolumeParameters?
  }

  private struct State {
    var source: Source?
    var made: [Key: ConvolutionTaps] = [:]
  }

  let weightShape: Shape
  private let isPackedOnce: Bool
  private let activation: Activation
  private let layout: ImageLayout
  private let kernels: KernelTable
  private let state: Lock<State>

  /// - Parameter isPackedOnce: the parameters are the same for every image.
  init(
    weights: Constant, bias: Constant?, activation: Activation, layout: ImageLayout = .channelsFirst,
    isPackedOnce: Bool, kernels: KernelTable
  ) throws {
    weightShape = weights.shape
    self.isPackedOnce = isPackedOnce
    self.activation = activation
    self.layout = layout
    self.kernels = kernels
    state = Lock(State(source: Source(weights: try weights.copied(), bias: try bias?.copied())))
  }

  func taps(_ geometry: ConvolutionGeometry) throws -> ConvolutionTaps {
    let key = Key(parameters: geometry.parameters, volume: geometry.volume)
    return try state.withLock { state in
      if let taps = state.made[key] { return taps }
      guard let source = state.source else {
        throw ONNXError(.invalid, "an image of other channels than the weights were packed for")
      }
      let bias = source.bias.map { UnsafePointer($0.pointer.assumingMemoryBound(to: Float.self)) }
      let taps = ConvolutionTaps(
        geometry, weights: source.weights.pointer.assumingMemoryBound(to: Float.self), bias: bias,
        activation: activation, layout: layout, kernels: kernels)
      state.made[key] = taps
      if isPackedOnce { state.source = nil }
      return taps
    }
  }
}

import Kernels
import Locks
import Tensors

/// Packed weights of a convolution. A volume is convolved slice by slice: one two-dimensional
/// convolution for each place of the kernel along the depth axis, added up.
struct ConvolutionTaps: Sendable {
  private let convolutions: [Convolution]
  /// What follows the sum of several taps; a single convolution does it itself.
  private let bias: Constant?
  private let ones: Constant?
  private let activation: Activation

  /// - Parameter shape: of the weights; of rank 5 for a volume.
  init(
    _ parameters: ConvolutionParameters, shape: Shape, weights: UnsafePointer<Float>,
    bias: UnsafePointer<Float>?, activation: Activation, kernels: KernelTable
  ) {
    guard shape.rank == 5 else {
      self.bias = nil
      ones = nil
      self.activation = .none
      convolutions = [
        Convolution(parameters, weights: weights, bias: bias, activation: activation, table: kernels)
      ]
      return
    }
    let channels = shape[0]
    self.activation = activation
    self.bias = try? Constant.make(floats: (0..<channels).map { bias?[$0] ?? 0 })
    ones = try? Constant.make(floats: [Float](repeating: 1, count: channels))
    let plane = shape[3] * shape[4]
    convolutions = (0..<shape[2]).map { tap in
      var slice: [Float] = []
      for filter in 0..<channels * shape[1] {
        let start = weights + (filter * shape[2] + tap) * plane
        slice.append(contentsOf: UnsafeBufferPointer(start: start, count: plane))
      }
      return Convolution(parameters, weights: slice, table: kernels)
    }
  }

  private var isVolume: Bool { bias != nil }

  func scratchBytes(_ geometry: ConvolutionGeometry, _ team: ThreadTeam) -> Int {
    if !isVolume { return ownScratchBytes(geometry, team) }
    return sliceBytes(geometry.parameters.inputChannels * geometry.inputPlane)
      + sliceBytes(geometry.parameters.outputChannels * geometry.outputPlane)
      + ownScratchBytes(geometry, team)
  }

  private func ownScratchBytes(_ geometry: ConvolutionGeometry, _ team: ThreadTeam) -> Int {
    convolutions[0].scratchByteCount(
      batch: isVolume ? 1 : geometry.batch, height: geometry.height, width: geometry.width, team: team)
  }

  private func sliceBytes(_ floats: Int) -> Int { (floats * 4 + 63) / 64 * 64 }

  func run(
    _ geometry: ConvolutionGeometry, x: UnsafePointer<Float>, y: UnsafeMutablePointer<Float>,
    residual: UnsafePointer<Float>?, scratch: UnsafeMutableRawPointer, kernels: KernelTable, team: ThreadTeam
  ) {
    if !isVolume {
      convolutions[0].run(
        x, batch: geometry.batch, height: geometry.height, width: geometry.width, output: y,
        residual: residual,
        scratch: scratch, team: team)
      return
    }
    let inputCount = geometry.parameters.inputChannels * geometry.depth.input * geometry.inputPlane
    let outputCount = geometry.parameters.outputChannels * geometry.depth.output * geometry.outputPlane
    for image in 0..<geometry.batch {
      for depth in 0..<geometry.depth.output {
        runSlice(
          geometry, x + image * inputCount, y + image * outputCount, depth, scratch: scratch,
          kernels: kernels,
          team: team)
      }
      guard let bias, let ones else { continue }
      let output = y + image * outputCount
      kernels.scaleShift(
        output, scale: ones.pointer.assumingMemoryBound(to: Float.self),
        shift: bias.pointer.assumingMemoryBound(to: Float.self), output, outer: 1,
        channels: geometry.parameters.outputChannels, inner: geometry.depth.output * geometry.outputPlane,
        activation: activation, team: team)
    }
  }

  /// One slice of the output volume: the sum over the taps that lie inside the input.
  private func runSlice(
    _ geometry: ConvolutionGeometry, _ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>,
    _ depth: Int,
    scratch: UnsafeMutableRawPointer, kernels: KernelTable, team: ThreadTeam
  ) {
    let channels = geometry.parameters.inputChannels
    let filters = geometry.parameters.outputChannels
    let source = scratch.assumingMemoryBound(to: Float.self)
    let sum = (scratch + sliceBytes(channels * geometry.inputPlane)).assumingMemoryBound(to: Float.self)
    let rest = UnsafeMutableRawPointer(sum) + sliceBytes(filters * geometry.outputPlane)
    var isFirst = true
    for tap in convolutions.indices {
      let slice = depth * geometry.depth.stride + tap * geometry.depth.dilation - geometry.depth.padBefore
      guard slice >= 0, slice < geometry.depth.input else { continue }
      let rowBytes = geometry.inputPlane * 4
      kernels.copyRows(
        x + slice * geometry.inputPlane, sourceStride: rowBytes * geometry.depth.input, source,
        targetStride: rowBytes, rowByteCount: rowBytes, rows: channels, team: team)
      convolutions[tap].run(
        source, batch: 1, height: geometry.height, width: geometry.width, output: sum,
        residual: isFirst ? nil : UnsafePointer(sum), scratch: rest, team: team)
      isFirst = false
    }
    if isFirst { sum.update(repeating: 0, count: filters * geometry.outputPlane) }
    let rowBytes = geometry.outputPlane * 4
    kernels.copyRows(
      sum, sourceStride: rowBytes, y + depth * geometry.outputPlane,
      targetStride: rowBytes * geometry.depth.output, rowByteCount: rowBytes, rows: filters, team: team)
  }
}

/// A convolution's constant weights, packed once and shared by all plans. Where the padding depends on
/// the image's size there is one packing for each padding that comes.
final class PackedConvolution: Sendable {
  /// The weights as the model has them, until no further packing can be asked for.
  private struct Source {
    let weights: Constant
    let bias: Constant?
  }

  private struct State {
    var source: Source?
    var made: [ConvolutionParameters: ConvolutionTaps] = [:]
  }

  let weightShape: Shape
  private let isPackedOnce: Bool
  private let activation: Activation
  private let kernels: KernelTable
  private let state: Lock<State>

  /// - Parameter isPackedOnce: the parameters are the same for every image.
  init(
    weights: Constant, bias: Constant?, activation: Activation, isPackedOnce: Bool, kernels: KernelTable
  ) throws {
    weightShape = weights.shape
    self.isPackedOnce = isPackedOnce
    self.activation = activation
    self.kernels = kernels
    state = Lock(State(source: Source(weights: try weights.copied(), bias: try bias?.copied())))
  }

  func taps(_ parameters: ConvolutionParameters) throws -> ConvolutionTaps {
    try state.withLock { state in
      if let taps = state.made[parameters] { return taps }
      guard let source = state.source else {
        throw ONNXError(.invalid, "an image of other channels than the weights were packed for")
      }
      let bias = source.bias.map { UnsafePointer($0.pointer.assumingMemoryBound(to: Float.self)) }
      let taps = ConvolutionTaps(
        parameters, shape: weightShape, weights: source.weights.pointer.assumingMemoryBound(to: Float.self),
        bias: bias, activation: activation, kernels: kernels)
      state.made[parameters] = taps
      if isPackedOnce { state.source = nil }
      return taps
    }
  }
}

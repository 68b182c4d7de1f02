import Kernels
import Locks
import Tensors

/// A ConvTranspose of images or lines with constant weights, packed once for each padding that comes.
///
/// Inputs: the image.
struct PackedConvTranspose: Operation {
  let name = "ConvTranspose"
  let base: ConvTranspose
  let weights: Constant
  let bias: Constant?
  private let made = Packings()

  /// Packed weights by what they were packed for.
  private final class Packings: Sendable {
    private let made = Lock<[TransposedConvolutionParameters: TransposedConvolution]>([:])

    func find(
      _ parameters: TransposedConvolutionParameters, _ make: () -> TransposedConvolution
    ) -> TransposedConvolution {
      made.withLock { made in
        if let known = made[parameters] { return known }
        let packed = make()
        made[parameters] = packed
        return packed
      }
    }
  }

  init(base: ConvTranspose, weights: Constant, bias: Constant?) {
    (self.base, self.weights, self.bias) = (base, weights, bias)
  }

  func infer(_ node: NodeFacts) throws -> [TensorFact] {
    let x = try node.input(0)
    try node.require(0, .fp32)
    return try base.infer(node.replacing([x, TensorFact(weights)]))
  }

  func step(_ node: StepRequest) throws -> Step {
    let (x, y) = (try node.input(0), try node.output())
    guard x.shape.rank == weights.shape.rank, x.shape[1] == weights.shape[0],
      weights.shape[0] % base.groups == 0
    else { throw ONNXError(.invalid, "weights \(weights.shape) for an image of shape \(x.shape)") }
    if y.count == 0 { return Step { _ in } }
    let parameters = try parameters(x.shape)
    let packed = made.find(parameters) {
      TransposedConvolution(
        parameters, weights: weights.pointer.assumingMemoryBound(to: Float.self),
        bias: bias.map { UnsafePointer($0.pointer.assumingMemoryBound(to: Float.self)) },
        activation: base.activation, table: node.kernels)
    }
    let isLine = x.shape.rank == 3
    let (height, width) = isLine ? (1, x.shape[2]) : (x.shape[2], x.shape[3])
    let arithmetic = 2 * Double(x.count) * Double(weights.shape.dropFirst().reduce(1, *))
    return Step(
      scratchBytes: packed.scratchByteCount(batch: x.shape[0], team: node.team), arithmetic: arithmetic
    ) { memory in
      packed.run(
        memory.floats(x), batch: x.shape[0], height: height, width: width, output: memory.floats(y),
        scratch: memory.scratch, team: memory.team)
    }
  }

  private func parameters(_ x: Shape) throws -> TransposedConvolutionParameters {
    let rank = x.rank - 2
    let window = try base.window.window(rank: rank, kernel: Array(weights.shape[2...]))
    var plane = ConvolutionParameters(
      inputChannels: x[1], outputChannels: weights.shape[1] * base.groups,
      kernelHeight: rank > 1 ? window.kernel[0] : 1, kernelWidth: window.kernel[rank - 1])
    plane.groups = base.groups
    let last = try cut(window, rank - 1, x[rank + 1])
    (plane.strideX, plane.dilationX) = (window.strides[rank - 1], window.dilations[rank - 1])
    (plane.padLeft, plane.padRight) = (last.before, last.after)
    var extraRows = 0
    if rank > 1 {
      let first = try cut(window, 0, x[2])
      (plane.strideY, plane.dilationY) = (window.strides[0], window.dilations[0])
      (plane.padTop, plane.padBottom) = (first.before, first.after)
      extraRows = first.extra
    }
    var parameters = TransposedConvolutionParameters(plane)
    parameters.outputPaddingX = last.extra
    parameters.outputPaddingY = extraRows
    return parameters
  }

  /// What is cut off an axis before and after, and what stands beyond the last place that strides reach.
  private func cut(_ window: Window, _ axis: Int, _ input: Int) throws -> (
    before: Int, after: Int, extra: Int
  ) {
    let extent = try base.extent(window, axis, input)
    let whole = window.strides[axis] * (input - 1) + (window.kernel[axis] - 1) * window.dilations[axis] + 1
    let rest = whole - extent.padBefore - extent.output
    return (extent.padBefore, max(rest, 0), max(-rest, 0))
  }
}

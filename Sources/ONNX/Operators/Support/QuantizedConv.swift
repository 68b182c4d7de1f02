import Kernels
import Locks
import Tensors

/// A convolution of 8-bit integers whose weights, scales and zero points are constant: QLinearConv, or a Conv
/// between DequantizeLinear and QuantizeLinear.
///
/// Inputs: the image. The output is of 8-bit integers or FP32.
struct QuantizedConv: Operation, ChannelsLastCapable {
  let name = "QuantizedConv"
  let window: WindowAttributes
  let groups: Int
  let input: QuantizationScale
  let weights: QuantizedWeights
  let activation: Activation
  let output: QuantizedOutput
  let packed: PackedIntegerConvolution
  var layout = ImageLayout.channelsFirst

  var prefersChannelsLast: Bool { true }

  func channelsLast(_ inputs: [TensorFact?]) -> ChannelsLastForm? {
    guard inputs[0]?.rank == 4 else { return nil }
    var operation = self
    operation.layout = .channelsLast
    return ChannelsLastForm(operation: operation, inputs: [true])
  }

  func infer(_ node: NodeFacts) throws -> [TensorFact] {
    let x = try node.input(0)
    try node.require(0, input.datatype)
    let shape = weights.values.shape
    guard x.rank == shape.rank, x.dimensions[1].known ?? shape[1] * groups == shape[1] * groups else {
      throw ONNXError(.invalid, "an image of shape \(x.shapeText) for weights of shape \(shape)")
    }
    let place = try window.window(rank: x.rank - 2, kernel: Array(shape[2...]))
    let spatial = try place.outputDimensions(x.dimensions[2...], node)
    let datatype = output.target?.datatype ?? .fp32
    return [
      TensorFact(
        datatype, [x.dimensions[0], Dimension(shape[0])] + spatial, rows: rowsOfImages(x, others: []))
    ]
  }

  func step(_ node: StepRequest) throws -> Step {
    let (x, y) = (try node.input(0), try node.output())
    let shape = weights.values.shape
    let geometry = try ConvolutionGeometry(window, groups, image: x.shape, weights: shape)
    if y.count == 0 { return Step { _ in } }
    let taps = packed.convolution(geometry, weights, layout, node.kernels)
    let (input, output, activation) = (input, output, activation)
    let scratch = taps.scratchByteCount(
      batch: geometry.batch, height: geometry.height, width: geometry.width, team: node.team)
    let arithmetic = 2 * Double(y.count) * Double(shape.dropFirst().reduce(1, *))
    return Step(scratchBytes: scratch, arithmetic: arithmetic) { memory in
      taps.run(
        input.matrix(memory[x]), batch: geometry.batch, height: geometry.height, width: geometry.width,
        output: output.output(memory[y], activation: activation), scratch: memory.scratch, team: memory.team)
    }
  }
}

/// The packed weights of a convolution of integers, one packing for each padding that comes.
final class PackedIntegerConvolution: Sendable {
  private struct Key: Hashable {
    let parameters: ConvolutionParameters
    let layout: ImageLayout
  }

  private let made = Lock<[Key: IntegerConvolution]>([:])

  func convolution(
    _ geometry: ConvolutionGeometry, _ weights: QuantizedWeights, _ layout: ImageLayout,
    _ kernels: KernelTable
  ) -> IntegerConvolution {
    let key = Key(parameters: geometry.parameters, layout: layout)
    return made.withLock { made in
      if let known = made[key] { return known }
      let packed = weights.withMatrix {
        IntegerConvolution(geometry.parameters, weights: $0, layout: layout, table: kernels)
      }
      made[key] = packed
      return packed
    }
  }
}

import Kernels
import Tensors

/// The ONNX operator Conv over one to three spatial dimensions, with what fusion added to it.
///
/// Inputs: image, weights, bias, and after fusion a residual that is added before the activation.
/// Once packed, weights and bias are no inputs any more.
struct Conv: Operation {
  static let description = OperatorDescription(
    "Conv", inputs: 2...3,
    support: "FP16, BF16, FP32; 1 to 3 spatial dimensions, any stride, padding, dilation and groups"
  ) { reader in
    let groups = try reader.int("group", default: 1)
    guard groups > 0 else { throw ONNXError(.invalid, "group \(groups), expected 1 or more") }
    return Conv(window: try WindowAttributes(reader), groups: groups)
  }

  let name = "Conv"
  let window: WindowAttributes
  let groups: Int
  var activation = Activation.none
  /// Of the image, the residual and the output.
  var layout = ImageLayout.channelsFirst
  var packed: PackedConvolution?

  var computesInFloat: Bool { true }

  func infer(_ node: NodeFacts) throws -> [TensorFact] {
    let x = try node.input(0)
    try node.require(0, .fp32)
    let weights = try weightShape(node)
    guard x.rank == weights.rank, x.rank >= 3 else {
      throw ONNXError(.invalid, "an image of \(x.rank) dimensions and weights of \(weights.rank)")
    }
    let (channels, overflow) = weights[1].multipliedReportingOverflow(by: groups)
    guard !overflow, x.dimensions[1].known ?? channels == channels, weights[0] % groups == 0, weights[0] > 0
    else {
      throw ONNXError(
        .invalid,
        "image of shape \(x.shapeText), weights of shape \(weights), \(groups) groups: \(channels) input channels expected, and output channels that groups divide"
      )
    }
    if let bias = node.optional(2) {
      guard bias.datatype == .fp32, bias.rank == 1, bias.dimensions[0].known ?? weights[0] == weights[0]
      else {
        throw ONNXError(.invalid, "bias of shape \(bias.shapeText), expected FP32 [\(weights[0])]")
      }
    }
    let window = try window.window(rank: x.rank - 2, kernel: Array(weights[2...]))
    let spatial = try window.outputDimensions(x.dimensions[2...], node)
    return [
      TensorFact(
        .fp32, [x.dimensions[0], Dimension(weights[0])] + spatial,
        rows: rowsOfImages(x, others: [node.optional(1), node.optional(2)]))
    ]
  }

  private func weightShape(_ node: NodeFacts) throws -> Shape {
    if let packed { return packed.weightShape }
    try node.require(1, .fp32)
    guard let shape = try node.input(1).shape, shape.rank >= 3 else {
      throw ONNXError(.unsupported, "weights of shape \(try node.input(1).shapeText)")
    }
    return shape
  }

  func step(_ node: StepRequest) throws -> Step {
    let x = try node.input(0)
    let y = try node.output()
    let residual = node.optional(3)
    let weightShape = try packed?.weightShape ?? node.input(1).shape
    let geometry = try ConvolutionGeometry(window, groups, image: x.shape, weights: weightShape)
    if y.count == 0 { return Step { _ in } }
    guard let packed else { return try unpackedStep(node, geometry) }
    let taps = try packed.taps(geometry)
    return Step(
      scratchBytes: taps.scratchBytes(geometry, node.team), arithmetic: arithmetic(y, weightShape)
    ) { memory in
      taps.run(
        geometry, x: memory.floats(x), y: memory.floats(y), residual: residual.map { memory.floats($0) },
        scratch: memory.scratch, team: memory.team)
    }
  }

  private func arithmetic(_ y: Operand, _ weights: Shape) -> Double {
    2 * Double(y.count) * Double(weights.dropFirst().reduce(1, *))
  }

  /// Weights that come with the tensors are packed in the run, which allocates.
  private func unpackedStep(_ node: StepRequest, _ geometry: ConvolutionGeometry) throws -> Step {
    let x = try node.input(0)
    let y = try node.output()
    let weights = try node.input(1)
    let bias = node.optional(2)
    let residual = node.optional(3)
    let (activation, layout) = (activation, layout)
    return Step { memory in
      let taps = ConvolutionTaps(
        geometry, weights: memory.floats(weights), bias: bias.map { UnsafePointer(memory.floats($0)) },
        activation: activation, layout: layout, kernels: memory.kernels)
      let scratchBytes = max(taps.scratchBytes(geometry, memory.team), 64)
      guard let scratch = TensorMemory(byteCount: scratchBytes) else {
        throw ONNXError(.outOfMemory, "no memory for \(scratchBytes) bytes of scratch")
      }
      taps.run(
        geometry, x: memory.floats(x), y: memory.floats(y), residual: residual.map { memory.floats($0) },
        scratch: scratch.base, team: memory.team)
    }
  }
}

extension Conv: ChannelsLastCapable {
  var prefersChannelsLast: Bool { true }

  func channelsLast(_ inputs: [TensorFact?]) -> ChannelsLastForm? {
    guard let x = inputs.first ?? nil, x.rank == 4, x.datatype == .fp32, inputs.count > 1,
      let weights = inputs[1]?.constant, weights.datatype == .fp32,
      inputs.count < 3 || inputs[2] == nil || inputs[2]?.constant != nil
    else { return nil }
    // Groups of several channels have a kernel for channels-first images only.
    guard groups == 1 || (weights.shape[1] == 1 && weights.shape[0] == groups) else { return nil }
    var operation = self
    operation.layout = .channelsLast
    return ChannelsLastForm(operation: operation, inputs: [true, false, false, true])
  }
}

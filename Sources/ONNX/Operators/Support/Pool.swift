import Kernels
import Tensors

/// The ONNX operators MaxPool and AveragePool over one to three spatial dimensions.
struct Pool: Operation {
  let name: String
  let kind: Pooling.Kind
  let window: WindowAttributes
  var layout = ImageLayout.channelsFirst

  var computesInFloat: Bool { true }

  func infer(_ node: NodeFacts) throws -> [TensorFact] {
    try node.require(0, .fp32)
    let x = try node.input(0)
    guard x.rank >= 3 else { throw ONNXError(.invalid, "an image of \(x.rank) dimensions") }
    let window = try window.window(rank: x.rank - 2)
    let spatial = try window.outputDimensions(x.dimensions[2...], node)
    return [TensorFact(.fp32, x.dimensions[..<2] + spatial, rows: rowsOfImages(x, others: []))]
  }

  func step(_ node: StepRequest) throws -> Step {
    let x = try node.input(0)
    let y = try node.output()
    if y.count == 0 { return Step { _ in } }
    let spatial = Shape(x.shape.dropFirst(2))
    let planes = x.shape[0] * x.shape[1]
    let pooling = try pooling(spatial, output: Shape(y.shape.dropFirst(2)))
    if layout == .channelsLast { return pixelStep(node, pooling, x, y) }
    return Step { memory in
      memory.kernels.pool(
        pooling, memory.floats(x), planes: planes, spatial: spatial, output: memory.floats(y),
        team: memory.team)
    }
  }

  private func pixelStep(_ node: StepRequest, _ pooling: Pooling, _ x: Operand, _ y: Operand) -> Step {
    let (channels, height, width) = (x.shape[1], x.shape[2], x.shape[3])
    let scratch = node.kernels.poolPixelsScratchByteCount(width: width, channels: channels, team: node.team)
    return Step(scratchBytes: scratch) { memory in
      memory.kernels.poolPixels(
        pooling, memory.floats(x), batch: x.shape[0], height: height, width: width, channels: channels,
        output: memory.floats(y), scratch: memory.scratch, team: memory.team)
    }
  }

  private func pooling(_ spatial: Shape, output: Shape) throws -> Pooling {
    let window = try window.window(rank: spatial.rank)
    var pooling = Pooling(kind, window: Shape(window.kernel))
    pooling.strides = Shape(window.strides)
    pooling.dilations = Shape(window.dilations)
    for axis in spatial.indices {
      let pads = window.pads(axis, extent: spatial[axis])
      pooling.padsBefore[axis] = pads.before
      pooling.padsAfter[axis] = pads.after
    }
    pooling.roundsUp = window.attributes.roundsUp
    guard pooling.outputShape(spatial) == output else {
      throw ONNXError(.unsupported, "a window \(window.kernel) over \(spatial) that gives \(output)")
    }
    return pooling
  }
}

extension Pool: ChannelsLastCapable {
  func channelsLast(_ inputs: [TensorFact?]) -> ChannelsLastForm? {
    guard let x = inputs[0], x.rank == 4, x.datatype == .fp32 else { return nil }
    var operation = self
    operation.layout = .channelsLast
    return ChannelsLastForm(operation: operation, inputs: [true])
  }
}

/// The ONNX operators GlobalAveragePool and GlobalMaxPool.
struct GlobalPool: Operation {
  let name: String
  let reduction: Reduction
  /// Of the image; the output is the same in both.
  var layout = ImageLayout.channelsFirst

  var computesInFloat: Bool { true }

  func infer(_ node: NodeFacts) throws -> [TensorFact] {
    try node.require(0, .fp32)
    let x = try node.input(0)
    guard x.rank >= 2 else { throw ONNXError(.invalid, "an image of \(x.rank) dimensions") }
    let ones = Array(repeating: Dimension.one, count: x.rank - 2)
    return [TensorFact(.fp32, x.dimensions[..<2] + ones, rows: rowsOfImages(x, others: []))]
  }

  func step(_ node: StepRequest) throws -> Step {
    let x = try node.input(0)
    let y = try node.output()
    let length = y.count == 0 ? 0 : x.count / y.count
    let reduction = reduction
    if layout == .channelsLast {
      let (images, channels) = (x.shape[0], x.shape[1])
      return Step { memory in
        memory.kernels.reduce(
          reduction, memory.floats(x), memory.floats(y), outer: images, length: length, inner: channels,
          team: memory.team)
      }
    }
    return Step { memory in
      memory.kernels.reduce(
        reduction, memory.floats(x), memory.floats(y), outer: y.count, length: length, inner: 1,
        team: memory.team)
    }
  }

  static func description(_ type: String, _ reduction: Reduction) -> OperatorDescription {
    OperatorDescription(type, inputs: 1...1, support: "FP16, BF16, FP32") { _ in
      GlobalPool(name: type, reduction: reduction)
    }
  }
}

extension GlobalPool: ChannelsLastCapable {
  func channelsLast(_ inputs: [TensorFact?]) -> ChannelsLastForm? {
    guard let x = inputs[0], x.rank == 4, x.datatype == .fp32 else { return nil }
    var operation = self
    operation.layout = .channelsLast
    return ChannelsLastForm(operation: operation, inputs: [true], writesChannelsLast: false)
  }
}

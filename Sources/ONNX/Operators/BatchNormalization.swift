import Kernels
import Tensors

/// The ONNX operator BatchNormalization as it is in inference: a scale and a shift for each channel.
struct BatchNormalization: Operation {
  static let description = OperatorDescription(
    "BatchNormalization", inputs: 5...5, outputs: 1...5, support: "FP16, BF16, FP32; training mode"
  ) { reader in
    // Before opset 7 a model was in training unless it said otherwise.
    if reader.opset < 7, try !reader.flag("is_test", default: false) {
      throw ONNXError(.unsupported, "is_test 0 before opset 7")
    }
    if try reader.flag("training_mode", default: false) {
      return BatchNormalizationTraining(
        epsilon: Double(try reader.float("epsilon", default: 1e-5)),
        momentum: Double(try reader.float("momentum", default: 0.9)))
    }
    for output in 1..<5 where reader.hasOutput(output) {
      throw ONNXError(.unsupported, "output \(output), which only training gives")
    }
    if try !reader.flag("spatial", default: true) {
      throw ONNXError(.unsupported, "spatial 0: statistics for each place")
    }
    return BatchNormalization(epsilon: try reader.float("epsilon", default: 1e-5))
  }

  let name = "BatchNormalization"
  let epsilon: Float
  var activation = Activation.none
  var layout = ImageLayout.channelsFirst

  var computesInFloat: Bool { true }

  func infer(_ node: NodeFacts) throws -> [TensorFact] {
    let x = try node.input(0)
    guard x.rank >= 1 else { throw ONNXError(.invalid, "a scalar") }
    let channels = x.rank > 1 ? x.dimensions[1] : .one
    for index in 0..<5 { try node.require(index, .fp32) }
    for index in 1..<5 {
      let fact = try node.input(index)
      guard fact.rank == 1, fact.dimensions[0].known == channels.known || channels.known == nil,
        fact.dimensions[0].known != nil
      else {
        throw ONNXError(.invalid, "input \(index) has shape \(fact.shapeText), expected [\(channels)]")
      }
    }
    let others = (1..<5).map { node.optional($0) }
    return [TensorFact(.fp32, x.dimensions, rows: rowsOfImages(x, others: others))]
  }

  func step(_ node: StepRequest) throws -> Step {
    let x = try node.input(0)
    let y = try node.output()
    let (scale, bias, mean, variance) = (
      try node.input(1), try node.input(2), try node.input(3), try node.input(4)
    )
    let channels = scale.count
    guard channels == (x.shape.rank > 1 ? x.shape[1] : 1) else {
      throw ONNXError(.invalid, "\(channels) scales for an image of shape \(x.shape)")
    }
    let isLast = layout == .channelsLast
    let outer = isLast ? x.count / max(channels, 1) : x.shape.rank > 1 ? x.shape[0] : x.count
    let inner = isLast ? 1 : outer * channels == 0 ? 0 : x.count / (outer * channels)
    let (epsilon, activation) = (epsilon, activation)
    let half = (channels * 4 + 63) / 64 * 64
    return Step(scratchBytes: 2 * half, inPlaceInput: 0) { memory in
      let factors = memory.scratch.assumingMemoryBound(to: Float.self)
      let shifts = (memory.scratch + half).assumingMemoryBound(to: Float.self)
      for channel in 0..<channels {
        let factor = memory.floats(scale)[channel] / (memory.floats(variance)[channel] + epsilon).squareRoot()
        factors[channel] = factor
        shifts[channel] = memory.floats(bias)[channel] - memory.floats(mean)[channel] * factor
      }
      memory.kernels.scaleShift(
        memory.floats(x), scale: factors, shift: shifts, memory.floats(y), outer: outer, channels: channels,
        inner: inner, activation: activation, team: memory.team)
    }
  }
}

extension BatchNormalization: ChannelsLastCapable {
  func channelsLast(_ inputs: [TensorFact?]) -> ChannelsLastForm? {
    guard let x = inputs[0], x.rank == 4, x.datatype == .fp32 else { return nil }
    var operation = self
    operation.layout = .channelsLast
    return ChannelsLastForm(operation: operation, inputs: [true, false, false, false, false])
  }
}

import Kernels
import Tensors

/// Arithmetic of two channels-last images with broadcasting, or of one and values of [channels, 1, 1].
struct ChannelArithmetic: Operation {
  let base: BinaryArithmetic

  var name: String { base.name }

  func infer(_ node: NodeFacts) throws -> [TensorFact] { try base.infer(node) }

  func step(_ node: StepRequest) throws -> Step {
    let (a, b, y) = (try node.input(0), try node.input(1), try node.output())
    if y.count == 0 { return Step { _ in } }
    if a.shape == b.shape || a.count == 1 || b.count == 1 { return try base.step(node) }
    if base.operation == .add || base.operation == .multiply {
      for (image, values) in [(0, b), (1, a)] where try node.input(image).shape == y.shape {
        if isOneAChannel(values.shape, y.shape) { return columnStep(image, try node.input(image), values, y) }
      }
    }
    let order = [0, 2, 3, 1]
    let shapes = [a, b, y].map { operand -> Shape in
      let whole = Shape(Array(repeating: 1, count: 4 - operand.shape.rank) + Array(operand.shape))
      return Shape(order.map { whole[$0] })
    }
    let operation = base.operation
    return Step { memory in
      memory.kernels.binary(
        operation, memory.floats(a), shape: shapes[0], memory.floats(b), shape: shapes[1], memory.floats(y),
        shape: shapes[2], team: memory.team)
    }
  }

  /// Whether the values are [channels, 1, 1], or [batch or 1, channels, 1, 1].
  private func isOneAChannel(_ values: Shape, _ image: Shape) -> Bool {
    values.rank >= 3 && values[values.rank - 3] == image[1] && values.suffix(2).allSatisfy { $0 == 1 }
      && (values.rank == 3 || values[0] == 1 || values[0] == image[0])
  }

  private func columnStep(_ imageInput: Int, _ x: Operand, _ values: Operand, _ y: Operand) -> Step {
    let channels = x.shape[1]
    let pixels = x.shape.dropFirst(2).reduce(1, *)
    let images = values.count == channels ? 1 : x.shape[0]
    let isProduct = base.operation == .multiply
    // Where all images share the values they are one tall image.
    let rows = images == 1 ? x.shape[0] * pixels : pixels
    return Step(inPlaceInput: imageInput) { memory in
      for image in 0..<images {
        let offset = image * rows * channels
        memory.kernels.columnwise(
          memory.floats(x) + offset, isProduct ? .scale : .shift, memory.floats(values) + image * channels,
          memory.floats(y) + offset, rows: rows, columns: channels, team: memory.team)
      }
    }
  }
}

extension BinaryArithmetic: ChannelsLastCapable {
  func channelsLast(_ inputs: [TensorFact?]) -> ChannelsLastForm? {
    guard inputs.count == 2, let a = inputs[0], let b = inputs[1], a.datatype == .fp32,
      placement.axis == nil
    else { return nil }
    let operation = ChannelArithmetic(base: self)
    if a.rank == 4, b.rank == 4 { return ChannelsLastForm(operation: operation, inputs: [true, true]) }
    for (image, other) in [(a, b), (b, a)] where image.rank == 4 {
      // What has no image's axes lies the same in both layouts.
      guard other.dimensions.allSatisfy({ $0.known == 1 }) || isOneAChannel(other) else { continue }
      return ChannelsLastForm(operation: operation, inputs: inputs.map { $0?.rank == 4 })
    }
    return nil
  }

  /// Whether the values are [channels, 1, 1].
  private func isOneAChannel(_ values: TensorFact) -> Bool {
    values.rank == 3 && values.dimensions.suffix(2).allSatisfy { $0.known == 1 }
  }
}

import Kernels
import Tensors

/// Brings an image into another layout. Its shape stays [batch, channels, spatial…] by name.
struct LayoutChange: Operation {
  let name = "LayoutChange"
  /// The output's; the input has the other one.
  let layout: ImageLayout

  var readsElements: Bool { false }

  func infer(_ node: NodeFacts) throws -> [TensorFact] {
    var fact = try node.input(0)
    fact.elements = nil
    return [fact]
  }

  func step(_ node: StepRequest) throws -> Step {
    let x = try node.input(0)
    let y = try node.output()
    let (channels, spatial) = (x.shape[1], x.shape.dropFirst(2).reduce(1, *))
    if channels == 1 || spatial == 1 { return try .view(node) }
    // The spatial axes keep their order: they are one.
    let isLast = layout == .channelsLast
    let stored: Shape = isLast ? [x.shape[0], channels, spatial] : [x.shape[0], spatial, channels]
    return Step { memory in
      if x.count == 0 { return }
      memory.kernels.transpose(
        elementSize: x.datatype.byteCount, shape: stored, permutation: [0, 2, 1], memory[x], memory[y],
        team: memory.team)
    }
  }
}

import Tensors

/// The ONNX operator MaxUnpool: elements put back where a MaxPool took them, zeros between.
struct MaxUnpool: Evaluation {
  static let description = OperatorDescription("MaxUnpool", inputs: 2...3, support: "FP16, BF16, FP32, FP64")
  {
    reader in MaxUnpool(window: try WindowAttributes(reader))
  }

  let name = "MaxUnpool"
  let window: WindowAttributes

  func evaluate(_ node: EvaluationRequest) throws -> [Value?] {
    try node.requireFloat(0)
    let (x, places) = (try node.input(0), try node.indices(1))
    guard x.shape.rank >= 3, places.shape == x.shape else {
      throw ONNXError(.invalid, "places of shape \(places.shape) for a tensor of shape \(x.shape)")
    }
    let window = try window.window(rank: x.shape.rank - 2)
    let own = (0..<window.rank).map { axis in
      let pads = window.pads(axis, extent: x.shape[axis + 2])
      return (x.shape[axis + 2] - 1) * window.strides[axis] - pads.before - pads.after + window.kernel[axis]
    }
    let natural = Array(x.shape[..<2]) + own
    let sizes = node.has(2) ? try node.integers(2) : natural
    guard sizes.count == natural.count, zip(sizes, natural).allSatisfy({ $0 >= $1 }) else {
      throw ONNXError(.invalid, "an output of shape \(sizes) for one of \(natural)")
    }
    let shape = try node.shape(sizes)
    let plain = Shape(natural)
    let strides = shape.strides
    var values = [Double](repeating: 0, count: try node.count(shape))
    for (value, place) in zip(x.doubles(), places.integers()) {
      guard place >= 0, place < plain.elementCount ?? 0 else {
        throw ONNXError(.argument, "a place of \(place)")
      }
      var (rest, target) = (place, 0)
      for axis in plain.indices.reversed() {
        target += rest % plain[axis] * strides[axis]
        rest /= plain[axis]
      }
      values[target] = value
    }
    return [try node.tensor(x.datatype, shape, values)]
  }
}

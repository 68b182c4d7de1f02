import Tensors

/// The ONNX operator DeformConv: a convolution whose taps are moved by offsets that are inputs.
struct DeformConv: Evaluation {
  static let description = OperatorDescription(
    "DeformConv", inputs: 3...5, support: "FP16, BF16, FP32, FP64; images"
  ) { reader in
    DeformConv(
      window: try WindowAttributes(reader), groups: try reader.int("group", default: 1),
      offsetGroups: try reader.int("offset_group", default: 1))
  }

  let name = "DeformConv"
  let window: WindowAttributes
  let groups: Int
  let offsetGroups: Int

  func evaluate(_ node: EvaluationRequest) throws -> [Value?] {
    try node.requireFloat(0)
    let (x, w, offset) = (try node.input(0), try node.input(1), try node.input(2))
    guard x.shape.rank == 4, w.shape.rank == 4, groups > 0, offsetGroups > 0,
      x.shape[1] == w.shape[1] * groups,
      x.shape[1] % offsetGroups == 0, w.shape[0] % groups == 0
    else {
      throw ONNXError(.invalid, "weights \(w.shape) in \(groups) groups for an image of shape \(x.shape)")
    }
    let place = try window.window(rank: 2, kernel: Array(w.shape[2...]))
    let output = try (0..<2).map { try place.outputExtent($0, x.shape[$0 + 2]) }
    let taps = w.shape[2] * w.shape[3]
    guard offset.shape == [x.shape[0], offsetGroups * taps * 2, output[0], output[1]],
      try node.optional(4).map({ $0.shape == [x.shape[0], offsetGroups * taps, output[0], output[1]] })
        ?? true
    else { throw ONNXError(.invalid, "offsets of shape \(offset.shape) for an output of \(output)") }
    let (values, weights, moves) = (x.doubles(), w.doubles(), offset.doubles())
    let (bias, mask) = (try node.optional(3)?.doubles(), try node.optional(4)?.doubles())
    let shape = try node.shape([x.shape[0], w.shape[0]] + output)
    var result = [Double](repeating: 0, count: try node.count(shape))
    let plane = output[0] * output[1]
    let pads = (place.pads(0, extent: x.shape[2]).before, place.pads(1, extent: x.shape[3]).before)
    let perGroup = w.shape[0] / groups
    for batch in 0..<x.shape[0] {
      for point in 0..<plane {
        for channel in 0..<x.shape[1] {
          let moveGroup = (batch * offsetGroups + channel / (x.shape[1] / offsetGroups)) * taps
          for tap in 0..<taps {
            let (row, column) = (tap / w.shape[3], tap % w.shape[3])
            let move = (moveGroup + tap) * 2 * plane + point
            let y =
              Double(point / output[1] * place.strides[0] + row * place.dilations[0] - pads.0) + moves[move]
            let z =
              Double(point % output[1] * place.strides[1] + column * place.dilations[1] - pads.1)
              + moves[move + plane]
            let first = (batch * x.shape[1] + channel) * x.shape[2] * x.shape[3]
            let read =
              Self.sample(values, first, x.shape[2], x.shape[3], y, z)
              * (mask?[(moveGroup + tap) * plane + point] ?? 1)
            let group = channel / w.shape[1]
            for filter in group * perGroup..<(group + 1) * perGroup {
              result[(batch * w.shape[0] + filter) * plane + point] +=
                read * weights[(filter * w.shape[1] + channel % w.shape[1]) * taps + tap]
            }
          }
        }
        if let bias {
          for filter in 0..<w.shape[0] {
            result[(batch * w.shape[0] + filter) * plane + point] += bias[filter]
          }
        }
      }
    }
    return [try node.tensor(x.datatype, shape, result)]
  }

  /// Between four neighbours; zero outside of the image.
  private static func sample(
    _ values: [Double], _ first: Int, _ height: Int, _ width: Int, _ y: Double, _ x: Double
  ) -> Double {
    guard y > -1, x > -1, y < Double(height), x < Double(width) else { return 0 }
    let (row, column) = (Int(y.rounded(.down)), Int(x.rounded(.down)))
    let (down, across) = (y - Double(row), x - Double(column))
    func value(_ row: Int, _ column: Int) -> Double {
      row >= 0 && row < height && column >= 0 && column < width ? values[first + row * width + column] : 0
    }
    return (1 - down) * ((1 - across) * value(row, column) + across * value(row, column + 1))
      + down * ((1 - across) * value(row + 1, column) + across * value(row + 1, column + 1))
  }
}

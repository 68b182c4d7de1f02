import Tensors

/// The ONNX operator Col2Im: blocks put back where they were taken from an image, and added up.
struct Col2Im: Evaluation {
  static let description = OperatorDescription(
    "Col2Im", inputs: 3...3, support: "FP16, BF16, FP32, FP64; any number of spatial dimensions"
  ) { reader in
    Col2Im(
      dilations: try reader.ints("dilations"), pads: try reader.ints("pads"),
      strides: try reader.ints("strides"))
  }

  let name = "Col2Im"
  let dilations: [Int]?
  let pads: [Int]?
  let strides: [Int]?

  func evaluate(_ node: EvaluationRequest) throws -> [Value?] {
    try node.requireFloat(0)
    let x = try node.input(0)
    let (image, block) = (try node.shape(try node.integers(1)), try node.shape(try node.integers(2)))
    let rank = image.rank
    let steps = strides ?? [Int](repeating: 1, count: rank)
    let gaps = dilations ?? [Int](repeating: 1, count: rank)
    let borders = pads ?? [Int](repeating: 0, count: 2 * rank)
    guard x.shape.rank == 3, rank >= 1, block.rank == rank, steps.count == rank, gaps.count == rank,
      borders.count == 2 * rank, (steps + gaps).allSatisfy({ (1..<1 << 24).contains($0) }),
      borders.allSatisfy({ (0..<1 << 24).contains($0) })
    else {
      throw ONNXError(.invalid, "blocks \(block) of an image \(image) from a tensor of shape \(x.shape)")
    }
    let counts = (0..<rank).map { axis -> Int in
      let padded: Int = image[axis] + borders[axis] + borders[axis + rank]
      let reach: Int = gaps[axis] * (block[axis] - 1) + 1
      return (padded - reach) / steps[axis] + 1
    }
    let taps = try node.count(block)
    guard counts.allSatisfy({ $0 >= 0 }), taps > 0, x.shape[1] % taps == 0, counts.reduce(1, *) == x.shape[2]
    else {
      throw ONNXError(.invalid, "\(counts) blocks for a tensor of shape \(x.shape)")
    }
    let channels = x.shape[1] / taps
    let shape = try node.shape([x.shape[0], channels] + Array(image))
    let plane = image.elementCount ?? 0
    let dense = image.strides
    let values = x.doubles()
    var result = [Double](repeating: 0, count: try node.count(shape))
    block.forEachPlace { tap, offset in
      Shape(counts).forEachPlace { place, index in
        var target = 0
        for axis in 0..<rank {
          let at = index[axis] * steps[axis] + offset[axis] * gaps[axis] - borders[axis]
          if at < 0 || at >= image[axis] { return }
          target += at * dense[axis]
        }
        for line in 0..<x.shape[0] * channels {
          result[line * plane + target] += values[(line * taps + tap) * x.shape[2] + place]
        }
      }
    }
    return [try node.tensor(x.datatype, shape, result)]
  }
}

import Kernels
import Tensors

/// The ONNX operator ConvTranspose over any number of spatial axes.
struct ConvTranspose: Evaluation {
  static let description = OperatorDescription(
    "ConvTranspose", inputs: 2...3,
    support: "FP16, BF16, FP32, FP64; any stride, padding, dilation, groups, output_padding and output_shape"
  ) { reader in
    ConvTranspose(
      window: try WindowAttributes(reader), groups: try reader.int("group", default: 1),
      outputPadding: try reader.ints("output_padding"), outputShape: try reader.ints("output_shape"))
  }

  let name = "ConvTranspose"
  let window: WindowAttributes
  let groups: Int
  let outputPadding: [Int]?
  let outputShape: [Int]?
  /// What fusion added.
  var activation = Activation.none

  /// Sizes along one axis.
  struct Extent {
    var output: Int
    var padBefore: Int
  }

  func infer(_ node: NodeFacts) throws -> [TensorFact] {
    let (x, w) = (try node.input(0), try node.input(1))
    try check(x.rank, w.rank)
    guard let filters = w.dimensions[1].known else { throw OpenShape("weights of an open shape") }
    let kernel = try w.dimensions[2...].map { dimension -> Int in
      guard let size = dimension.known else { throw OpenShape("weights of an open shape") }
      return size
    }
    let place = try window.window(rank: x.rank - 2, kernel: kernel)
    let spatial = try x.dimensions[2...].enumerated().map { axis, dimension -> Dimension in
      guard let size = dimension.known else { return node.freshDimension() }
      return Dimension(try extent(place, axis, size).output)
    }
    let rows = rowsOfImages(x, others: [w, node.optional(2)])
    return [TensorFact(x.datatype, [x.dimensions[0], Dimension(filters * groups)] + spatial, rows: rows)]
  }

  private func check(_ rank: Int, _ weightRank: Int) throws {
    guard rank >= 3, rank == weightRank, groups > 0, groups < 1 << 24 else {
      throw ONNXError(.invalid, "weights of \(weightRank) dimensions for an image of \(rank)")
    }
  }

  func extent(_ window: Window, _ axis: Int, _ input: Int) throws -> Extent {
    let reach = (window.kernel[axis] - 1) * window.dilations[axis] + 1
    let padding = outputPadding.map { axis < $0.count ? $0[axis] : 0 } ?? 0
    guard input < 1 << 32, padding >= 0, padding < 1 << 24 else {
      throw ONNXError(.limit, "an axis of \(input)")
    }
    let whole = window.strides[axis] * (input - 1) + padding + reach
    var wanted: Int?
    if let outputShape {
      wanted = outputShape[max(outputShape.count - window.rank + axis, 0)]
    } else if window.attributes.autoPad == .sameUpper || window.attributes.autoPad == .sameLower {
      wanted = input * window.strides[axis]
    }
    if let wanted {
      guard wanted >= 0, wanted < 1 << 40 else { throw ONNXError(.invalid, "an output of \(wanted)") }
      let total = max(whole - wanted, 0)
      let isUpper = window.attributes.autoPad == .sameUpper
      return Extent(output: wanted, padBefore: isUpper ? total / 2 : total - total / 2)
    }
    let pads = window.attributes.autoPad == .valid ? (before: 0, after: 0) : window.pads(axis, extent: input)
    guard whole >= pads.before + pads.after else { throw ONNXError(.invalid, "more padding than image") }
    return Extent(output: whole - pads.before - pads.after, padBefore: pads.before)
  }

  func evaluate(_ node: EvaluationRequest) throws -> [Value?] {
    try node.requireFloat(0)
    let (x, w) = (try node.input(0), try node.input(1))
    try check(x.shape.rank, w.shape.rank)
    guard x.shape[1] == w.shape[0], x.shape[1] % groups == 0 else {
      throw ONNXError(.invalid, "weights \(w.shape) in \(groups) groups for an image of shape \(x.shape)")
    }
    let place = try window.window(rank: x.shape.rank - 2, kernel: Array(w.shape[2...]))
    let extents = try (2..<x.shape.rank).map { try extent(place, $0 - 2, x.shape[$0]) }
    let filters = w.shape[1] * groups
    let shape = try node.shape([x.shape[0], filters] + extents.map(\.output))
    let bias = try node.optional(2)?.doubles()
    guard bias.map({ $0.count == filters }) ?? true else {
      throw ONNXError(.invalid, "a bias of another size")
    }
    let taps = TransposedTaps(
      input: Shape(x.shape[2...]), kernel: Shape(w.shape[2...]), output: Shape(shape[2...]), window: place,
      begins: extents.map(\.padBefore))
    if x.datatype == .fp64 {
      return [try run(node, x.doubles(), w.doubles(), bias, x, w, shape, taps)]
    }
    let floats = x.doubles().map { Float($0) }
    return [try run(node, floats, w.doubles().map { Float($0) }, bias?.map { Float($0) }, x, w, shape, taps)]
  }

  private func run<Element: BinaryFloatingPoint>(
    _ node: EvaluationRequest, _ source: [Element], _ weights: [Element], _ bias: [Element]?, _ x: Tensor,
    _ w: Tensor,
    _ shape: Shape, _ taps: TransposedTaps
  ) throws -> Value {
    var result = [Element](repeating: 0, count: try node.count(shape))
    let (filters, inputs) = (w.shape[1], x.shape[1] / groups)
    let (plane, outputPlane) = (x.shape.count(2..<x.shape.rank), shape.count(2..<shape.rank))
    let kernelPlane = w.shape.count(2..<w.shape.rank)
    for batch in 0..<x.shape[0] {
      for filter in 0..<filters * groups {
        let target = (batch * filters * groups + filter) * outputPlane
        if let bias { for index in 0..<outputPlane { result[target + index] = bias[filter] } }
        for channel in 0..<inputs {
          let input = filter / filters * inputs + channel
          let first = (batch * x.shape[1] + input) * plane
          let kernel = (input * filters + filter % filters) * kernelPlane
          for move in taps.moves {
            result[target + move.output] += source[first + move.input] * weights[kernel + move.tap]
          }
        }
      }
    }
    if x.datatype == .fp32 {
      let y = try Tensor.make(.fp32, shape, node.engine.limits)
      let target = y.elements(as: Float.self)
      for (index, value) in result.enumerated() { target[index] = Float(value) }
      return .tensor(y)
    }
    return try node.tensor(x.datatype, shape, result.map { Double($0) })
  }
}

/// Where each element of an input plane goes through each tap of a kernel.
struct TransposedTaps {
  struct Move {
    let input: Int
    let tap: Int
    let output: Int
  }

  private(set) var moves: [Move] = []

  init(input: Shape, kernel: Shape, output: Shape, window: Window, begins: [Int]) {
    let strides = output.strides
    kernel.forEachPlace { tap, offset in
      input.forEachPlace { place, index in
        var target = 0
        for axis in index.indices {
          let at = index[axis] * window.strides[axis] + offset[axis] * window.dilations[axis] - begins[axis]
          if at < 0 || at >= output[axis] { return }
          target += at * strides[axis]
        }
        moves.append(Move(input: place, tap: tap, output: target))
      }
    }
  }
}

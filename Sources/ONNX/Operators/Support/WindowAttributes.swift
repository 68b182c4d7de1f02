import Tensors

/// Kernel, strides, dilations and padding: what convolutions and poolings share.
struct WindowAttributes: Sendable {
  enum AutoPad: String, Sendable {
    case notSet = "NOTSET"
    case sameUpper = "SAME_UPPER"
    case sameLower = "SAME_LOWER"
    case valid = "VALID"
  }

  let kernel: [Int]?
  let strides: [Int]?
  let dilations: [Int]?
  let pads: [Int]?
  let autoPad: AutoPad
  let roundsUp: Bool

  /// Numbers above this are refused, so that their products can be counted.
  private static let largest = 1 << 24

  init(_ reader: NodeReader) throws {
    kernel = try WindowAttributes.checked("kernel_shape", try reader.ints("kernel_shape"), atLeast: 1)
    strides = try WindowAttributes.checked("strides", try reader.ints("strides"), atLeast: 1)
    dilations = try WindowAttributes.checked("dilations", try reader.ints("dilations"), atLeast: 1)
    pads = try WindowAttributes.checked("pads", try reader.ints("pads"), atLeast: 0)
    roundsUp = try reader.flag("ceil_mode", default: false)
    let word = try reader.string("auto_pad") ?? "NOTSET"
    guard let autoPad = AutoPad(rawValue: word.isEmpty ? "NOTSET" : word) else {
      throw ONNXError(.invalid, "auto_pad '\(word)' is none of NOTSET, SAME_UPPER, SAME_LOWER, VALID")
    }
    self.autoPad = autoPad
  }

  private static func checked(_ name: String, _ values: [Int]?, atLeast least: Int) throws -> [Int]? {
    if let bad = values?.first(where: { $0 < least || $0 > largest }) {
      throw ONNXError(.invalid, "attribute '\(name)' holds \(bad), expected \(least)…\(largest)")
    }
    return values
  }

  /// Whether the padding is the same for every size of input.
  var hasFixedPads: Bool { autoPad == .notSet || autoPad == .valid }

  /// The window over `rank` spatial dimensions. `kernel` is that of the weights, where there are any.
  func window(rank: Int, kernel weights: [Int]? = nil) throws -> Window {
    guard (1...3).contains(rank) else {
      throw ONNXError(.unsupported, "\(rank) spatial dimensions; 1 to 3 are supported")
    }
    guard let kernel = weights ?? kernel else {
      throw ONNXError(.invalid, "attribute 'kernel_shape' is missing")
    }
    if let declared = self.kernel, declared != kernel {
      throw ONNXError(.invalid, "kernel_shape \(declared), but the weights have \(kernel)")
    }
    let window = Window(
      kernel: kernel, strides: strides ?? Array(repeating: 1, count: rank),
      dilations: dilations ?? Array(repeating: 1, count: rank), attributes: self)
    let lists = [
      ("kernel_shape", window.kernel), ("strides", window.strides), ("dilations", window.dilations),
    ]
    for (name, list) in lists where list.count != rank {
      throw ONNXError(.invalid, "attribute '\(name)' has \(list.count) numbers, expected \(rank)")
    }
    if autoPad == .notSet, let pads, pads.count != 2 * rank {
      throw ONNXError(.invalid, "attribute 'pads' has \(pads.count) numbers, expected \(2 * rank)")
    }
    for index in 0..<rank where kernel[index] < 1 || kernel[index] > WindowAttributes.largest {
      throw ONNXError(.invalid, "a kernel of \(kernel)")
    }
    return window
  }
}

/// A window over known spatial dimensions.
struct Window: Sendable {
  let kernel: [Int]
  let strides: [Int]
  let dilations: [Int]
  let attributes: WindowAttributes

  var rank: Int { kernel.count }

  /// The padding before and after an axis of this size.
  func pads(_ axis: Int, extent: Int) -> (before: Int, after: Int) {
    switch attributes.autoPad {
    case .valid: return (0, 0)
    case .notSet: return (attributes.pads?[axis] ?? 0, attributes.pads?[axis + rank] ?? 0)
    case .sameUpper, .sameLower:
      let stride = strides[axis]
      let outputs = extent / stride + (extent % stride == 0 ? 0 : 1)
      let reach = (kernel[axis] - 1) * dilations[axis] + 1
      let total = max((outputs - 1) * stride + reach - extent, 0)
      let small = total / 2
      return attributes.autoPad == .sameUpper ? (small, total - small) : (total - small, small)
    }
  }

  /// The output's size along an axis.
  func outputExtent(_ axis: Int, _ extent: Int) throws -> Int {
    let pads = pads(axis, extent: extent)
    let reach = (kernel[axis] - 1) * dilations[axis] + 1
    let padded = extent + pads.before + pads.after
    guard padded >= reach else {
      throw ONNXError(
        .invalid,
        "a window that reaches over \(reach) places of spatial axis \(axis), which has \(padded) with padding"
      )
    }
    let room = padded - reach
    var outputs = room / strides[axis] + 1
    if attributes.roundsUp, room % strides[axis] != 0, outputs * strides[axis] < extent + pads.before {
      outputs += 1
    }
    return outputs
  }

  /// The output's spatial dimensions.
  func outputDimensions(_ input: ArraySlice<Dimension>, _ node: NodeFacts) throws -> [Dimension] {
    try input.enumerated().map { axis, dimension in
      guard let extent = dimension.known else { return node.freshDimension() }
      guard extent < 1 << 40 else { throw ONNXError(.limit, "a spatial axis of \(extent)") }
      return Dimension(try outputExtent(axis, extent))
    }
  }
}

/// The batch's rows of an operator that treats each image by itself.
func rowsOfImages(_ image: TensorFact, others: [TensorFact?]) -> Rows {
  guard others.allSatisfy({ $0 == nil || $0?.rows == .shared }) else { return .mixed }
  switch image.rows {
  case .shared, .axis(0): return image.rows
  default: return .mixed
  }
}

import Tensors

/// The ONNX operator GridSample: an image or volume read at the places that a grid names.
struct GridSample: Evaluation {
  static let description = OperatorDescription(
    "GridSample", inputs: 2...2, support: "FP16, BF16, FP32, FP64; linear, nearest, cubic; all paddings"
  ) { reader in
    let mode = try reader.word("mode", "linear", "bilinear", "nearest", "cubic", "bicubic")
    return GridSample(
      mode: mode.hasSuffix("linear") ? .linear : mode.hasSuffix("cubic") ? .cubic : .nearest,
      padding: try reader.word("padding_mode", "zeros", "border", "reflection"),
      alignsCorners: try reader.flag("align_corners", default: false))
  }

  enum Mode: Sendable { case linear, nearest, cubic }

  let name = "GridSample"
  let mode: Mode
  let padding: String
  let alignsCorners: Bool

  func infer(_ node: NodeFacts) throws -> [TensorFact] {
    let (x, grid) = (try node.input(0), try node.input(1))
    guard x.rank >= 3, grid.rank == x.rank else {
      throw ONNXError(.invalid, "a grid of shape \(grid.shapeText) for a tensor of shape \(x.shapeText)")
    }
    return [
      TensorFact(
        x.datatype, Array(x.dimensions[..<2]) + Array(grid.dimensions[1..<grid.rank - 1]),
        rows: node.rowsOfMixture)
    ]
  }

  func evaluate(_ node: EvaluationRequest) throws -> [Value?] {
    try node.requireFloat(0)
    let (x, grid) = (try node.input(0), try node.input(1))
    let rank = x.shape.rank - 2
    guard rank >= 1, grid.shape.rank == x.shape.rank, grid.shape[0] == x.shape[0], grid.shape.last == rank
    else {
      throw ONNXError(.invalid, "a grid of shape \(grid.shape) for a tensor of shape \(x.shape)")
    }
    let spatial = Array(x.shape[2...])
    let plane = x.shape.count(2..<x.shape.rank)
    let points = grid.shape.count(1..<grid.shape.rank - 1)
    let (values, coordinates) = (x.doubles(), grid.doubles())
    let shape = try node.shape(Array(x.shape[..<2]) + Array(grid.shape[1..<grid.shape.rank - 1]))
    var result: [Double] = []
    result.reserveCapacity(try node.count(shape))
    for batch in 0..<x.shape[0] {
      let taps = (0..<points).map { point -> [(place: Int, weight: Double)] in
        // The grid names the innermost axis first.
        let start = (batch * points + point) * rank
        return self.taps((0..<rank).map { coordinates[start + rank - 1 - $0] }, spatial)
      }
      for channel in 0..<x.shape[1] {
        let first = (batch * x.shape[1] + channel) * plane
        for point in taps { result.append(point.reduce(0) { $0 + values[first + $1.place] * $1.weight }) }
      }
    }
    return [try node.tensor(x.datatype, shape, result)]
  }

  /// The elements of a plane that a point is made of.
  private func taps(_ point: [Double], _ spatial: [Int]) -> [(place: Int, weight: Double)] {
    var taps = [(place: 0, weight: 1.0)]
    for (axis, size) in spatial.enumerated() {
      let own = axisTaps(point[axis], size)
      taps = taps.flatMap { tap in own.map { (tap.place * size + $0.place, tap.weight * $0.weight) } }
    }
    return taps
  }

  private func axisTaps(_ coordinate: Double, _ size: Int) -> [(place: Int, weight: Double)] {
    let length = Double(size)
    var position = alignsCorners ? (coordinate + 1) / 2 * (length - 1) : ((coordinate + 1) * length - 1) / 2
    guard position.isFinite, size > 0 else { return [] }
    if mode == .nearest { position.round(.toNearestOrEven) }
    let (low, high) = alignsCorners ? (0, length - 1) : (-0.5, length - 0.5)
    if position < low || position > high {
      if padding == "border" { position = min(max(position, 0), length - 1) }
      if padding == "reflection" { position = reflected(position, low, high) }
    }
    guard abs(position) < 0x1p62 else { return [] }
    let base = Int(position.rounded(.down))
    let part = position - Double(base)
    switch mode {
    case .nearest: return tap(Int(position.rounded(.toNearestOrEven)), 1, size, low, high)
    case .linear: return tap(base, 1 - part, size, low, high) + tap(base + 1, part, size, low, high)
    case .cubic:
      return (-1...2).flatMap { step in
        tap(base + step, Self.cubic(abs(part - Double(step))), size, low, high)
      }
    }
  }

  private func tap(_ place: Int, _ weight: Double, _ size: Int, _ low: Double, _ high: Double) -> [(
    place: Int, weight: Double
  )] {
    if place >= 0, place < size { return [(place, weight)] }
    switch padding {
    case "zeros": return []
    case "border": return [(min(max(place, 0), size - 1), weight)]
    default: return [(min(max(Int(reflected(Double(place), low, high)), 0), size - 1), weight)]
    }
  }

  private static func cubic(_ x: Double) -> Double {
    let a = -0.75
    return x <= 1 ? ((a + 2) * x - (a + 3)) * x * x + 1 : ((a * x - 5 * a) * x + 8 * a) * x - 4 * a
  }

  /// A position mirrored at the borders until it lies between them.
  private func reflected(_ position: Double, _ low: Double, _ high: Double) -> Double {
    let range = high - low
    guard range > 0, position < low || position > high else { return range > 0 ? position : low }
    let distance = position < low ? low - position : position - high
    let turns = (distance / range).rounded(.down)
    let rest = distance - turns * range
    let isEven = turns.truncatingRemainder(dividingBy: 2) == 0
    return (position < low) == isEven ? low + rest : high - rest
  }
}

internal import CKernels
internal import Glibc

/// How positions of a resized axis are computed from the original's, in ONNX's terms.
public struct ResizeRule: Sendable, Hashable {
  public enum Interpolation: Sendable, Hashable {
    case nearest(NearestRounding = .roundPreferFloor)
    case linear
    /// Keys' kernel, −0.75 as ONNX has it unless set.
    case cubic(coefficient: Float = -0.75)
  }

  public enum NearestRounding: Sendable, Hashable { case roundPreferFloor, roundPreferCeil, floor, ceil }

  /// ONNX coordinate_transformation_mode.
  public enum Coordinates: Sendable, Hashable {
    case halfPixel
    case halfPixelSymmetric
    case pytorchHalfPixel
    case alignCorners
    case asymmetric
    /// The region of the original that the result covers, 0 … 1; beyond it stands `extrapolation`.
    case cropAndResize(start: Float, end: Float, extrapolation: Float)
  }

  public var interpolation: Interpolation
  public var coordinates: Coordinates
  /// Positions beyond the original have no weight (ONNX exclude_outside), rather than the edge's value.
  public var excludesOutside: Bool
  /// Where the axis shrinks, every value of the original has weight (ONNX antialias).
  public var antialiases: Bool

  public init(
    _ interpolation: Interpolation, coordinates: Coordinates = .halfPixel, excludesOutside: Bool = false,
    antialiases: Bool = false
  ) {
    self.interpolation = interpolation
    self.coordinates = coordinates
    self.excludesOutside = excludesOutside
    self.antialiases = antialiases
  }
}

/// One axis of a resize, prepared: which values of the original a value of the result is made of.
public struct ResizeAxis: Sendable {
  public let inputLength: Int
  public let outputLength: Int
  /// Values of the original for one of the result.
  let taps: Int
  /// [outputLength, taps]; a weight of 0 may stand beside any position.
  let positions: [Int32]
  let weights: [Float]
  /// What stands where the result lies beyond the original (`cropAndResize`); NaN elsewhere.
  let fillers: [Float]?

  /// - Parameters:
  ///   - input: at least 1.
  ///   - scale: output / input unless the model says otherwise.
  public init(input: Int, output: Int, scale: Float? = nil, rule: ResizeRule) {
    inputLength = input
    outputLength = output
    let scale = Double(scale ?? Float(output) / Float(input))
    let stretch = rule.antialiases && scale < 1 ? 1 / scale : 1
    let reach: Int
    switch rule.interpolation {
    case .nearest: reach = 1
    case .linear: reach = 2 * Int((stretch).rounded(.up))
    case .cubic: reach = 2 * Int((2 * stretch).rounded(.up))
    }
    taps = reach
    var positions: [Int32] = []
    var weights: [Float] = []
    var fillers: [Float] = []
    for index in 0..<output {
      let position = rule.position(index, input: input, output: output, scale: scale)
      let (first, line) = rule.weights(around: position, count: reach, stretch: stretch, input: input)
      for tap in 0..<reach { positions.append(Int32(min(max(first + tap, 0), input - 1))) }
      weights += line
      if case .cropAndResize(_, _, let filler) = rule.coordinates {
        fillers.append(position < 0 || position > Double(input - 1) ? filler : .nan)
      }
    }
    self.positions = positions
    self.weights = weights
    self.fillers = fillers.isEmpty ? nil : fillers
  }
}

extension ResizeRule {
  fileprivate func position(_ index: Int, input: Int, output: Int, scale: Double) -> Double {
    let x = Double(index)
    switch coordinates {
    case .halfPixel: return (x + 0.5) / scale - 0.5
    case .halfPixelSymmetric:
      let adjustment = Double(output) / (scale * Double(input))
      return Double(input) / 2 * (1 - adjustment) + (x + 0.5) / scale - 0.5
    case .pytorchHalfPixel: return output > 1 ? (x + 0.5) / scale - 0.5 : 0
    case .alignCorners: return output > 1 ? x * Double(input - 1) / Double(output - 1) : 0
    case .asymmetric: return x / scale
    case .cropAndResize(let start, let end, _):
      let (start, end, last) = (Double(start), Double(end), Double(input - 1))
      if output == 1 { return 0.5 * (start + end) * last }
      return start * last + x * (end - start) * last / Double(output - 1)
    }
  }

  /// The first position of a run of `count`, and the weights of those.
  fileprivate func weights(
    around position: Double, count: Int, stretch: Double, input: Int
  ) -> (first: Int, weights: [Float]) {
    if case .nearest(let rounding) = interpolation { return (rounded(position, rounding), [1]) }
    let first = Int(position.rounded(.down)) - count / 2 + 1
    var line = (0..<count).map { kernel((Double(first + $0) - position) / stretch) }
    if excludesOutside {
      for tap in 0..<count where first + tap < 0 || first + tap >= input { line[tap] = 0 }
    }
    let sum = line.reduce(0, +)
    if excludesOutside || stretch > 1, sum != 0 { line = line.map { $0 / sum } }
    return (first, line.map { Float($0) })
  }

  private func rounded(_ position: Double, _ rounding: NearestRounding) -> Int {
    switch rounding {
    case .floor: Int(position.rounded(.down))
    case .ceil: Int(position.rounded(.up))
    case .roundPreferFloor: Int((position - 0.5).rounded(.up))
    case .roundPreferCeil: Int((position + 0.5).rounded(.down))
    }
  }

  /// What a value at this distance weighs.
  private func kernel(_ distance: Double) -> Double {
    let x = abs(distance)
    guard case .cubic(let coefficient) = interpolation else { return max(0, 1 - x) }
    let a = Double(coefficient)
    if x <= 1 { return ((a + 2) * x - (a + 3)) * x * x + 1 }
    return x < 2 ? ((a * x - 5 * a) * x + 8 * a) * x - 4 * a : 0
  }
}

extension KernelTable {
  /// Resizes the middle axis of [outer, axis.inputLength, inner] into [outer, axis.outputLength, inner].
  /// Several axes follow one another.
  public func resize(
    _ axis: ResizeAxis, _ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>, outer: Int,
    inner: Int = 1, team: ThreadTeam
  ) {
    let length = axis.outputLength
    axis.positions.withUnsafeBufferPointer { positions in
      axis.weights.withUnsafeBufferPointer { weights in
        forEachRow(outer * length, length: inner * axis.taps, team) { rows in
          for row in rows {
            let source = x + row / length * axis.inputLength * inner
            let first = row % length * axis.taps
            let target = y + row * inner
            if let filler = axis.fillers?[row % length], !filler.isNaN {
              for index in 0..<inner { target[index] = filler }
            } else if axis.taps == 1, weights[first] == 1 {
              target.update(from: source + Int(positions[first]) * inner, count: inner)
            } else if inner == 1 {
              var sum: Float = 0
              for tap in first..<(first + axis.taps) { sum += weights[tap] * source[Int(positions[tap])] }
              target[0] = sum
            } else {
              addRows(source, positions, weights, first, axis.taps, target, inner)
            }
          }
        }
      }
    }
  }

  private func addRows(
    _ source: UnsafePointer<Float>, _ positions: UnsafeBufferPointer<Int32>,
    _ weights: UnsafeBufferPointer<Float>, _ first: Int, _ taps: Int, _ target: UnsafeMutablePointer<Float>,
    _ inner: Int
  ) {
    var epilogue = kernels_epilogue(Activation.none.code)
    for tap in first..<(first + taps) {
      epilogue.alpha = weights[tap]
      epilogue.beta = tap == first ? 0 : 1
      level.finish(
        &epilogue, source + Int(positions[tap]) * inner, sourceRow: 0, target, cRow: 0, rows: 1,
        columns: inner)
    }
  }
}

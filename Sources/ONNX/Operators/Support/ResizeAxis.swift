import Glibc

/// How a Resize finds, for one axis, where the output's places lie in the input and what they are made of.
struct ResizeAxis {
  enum Coordinates: String, Sendable {
    case halfPixel = "half_pixel"
    case halfPixelSymmetric = "half_pixel_symmetric"
    case pytorchHalfPixel = "pytorch_half_pixel"
    case alignCorners = "align_corners"
    case asymmetric
    case cropAndResize = "tf_crop_and_resize"
    case halfPixelForNearest = "tf_half_pixel_for_nn"
  }

  enum Mode: String, Sendable { case nearest, linear, cubic }

  enum Rounding: String, Sendable {
    case preferFloor = "round_prefer_floor"
    case preferCeiling = "round_prefer_ceil"
    case floor
    case ceil
  }

  struct Rule: Sendable {
    var mode: Mode
    var coordinates: Coordinates
    var rounding: Rounding
    var cubicCoefficient: Double
    var excludesOutside: Bool
    var antialiases: Bool
  }

  /// A place of the output: the input's places that it is made of, and their weights.
  struct Place {
    var sources: [Int]
    var weights: [Double]
    /// Whether it lies outside of the input, where only extrapolation gives a value.
    var isOutside = false
  }

  let input: Int
  let output: Int
  let scale: Double
  /// The part of the input that is resized, for `tf_crop_and_resize`.
  let region: (start: Double, end: Double)
  let rule: Rule

  func places() -> [Place] { (0..<output).map(place) }

  /// Where the output's place lies, in places of the input.
  func coordinate(_ place: Int) -> Double {
    let x = Double(place)
    let length = Double(output)
    switch rule.coordinates {
    case .halfPixel: return (x + 0.5) / scale - 0.5
    case .halfPixelSymmetric:
      let exact = scale * Double(input)
      let offset = Double(input) / 2 * (1 - length / exact)
      return offset + (x + 0.5) / scale - 0.5
    case .pytorchHalfPixel: return output > 1 ? (x + 0.5) / scale - 0.5 : 0
    case .alignCorners:
      // By the exact length, which the output's is cut from.
      let exact = scale * Double(input)
      return exact == 1 ? 0 : x * Double(input - 1) / (exact - 1)
    case .asymmetric: return x / scale
    case .halfPixelForNearest: return (x + 0.5) / scale
    case .cropAndResize:
      let last = Double(input - 1)
      return output > 1
        ? region.start * last + x * (region.end - region.start) * last / (length - 1)
        : 0.5 * (region.start + region.end) * last
    }
  }

  private func place(_ index: Int) -> Place {
    let position = coordinate(index)
    var place = made(at: position)
    place.isOutside = rule.coordinates == .cropAndResize && (position < 0 || position > Double(input - 1))
    return place
  }

  private func made(at position: Double) -> Place {
    switch rule.mode {
    case .nearest: return Place(sources: [clamped(nearest(position))], weights: [1])
    case .linear: return weighted(position, reach: 1) { max(1 - abs($0), 0) }
    case .cubic: return weighted(position, reach: 2, cubic)
    }
  }

  private func nearest(_ position: Double) -> Int {
    switch rule.rounding {
    case .floor: Int(position.rounded(.down))
    case .ceil: Int(position.rounded(.up))
    case .preferFloor: Int((position - 0.5).rounded(.up))
    case .preferCeiling: Int((position + 0.5).rounded(.down))
    }
  }

  private func clamped(_ index: Int) -> Int { min(max(index, 0), input - 1) }

  private func cubic(_ distance: Double) -> Double {
    let (a, x) = (rule.cubicCoefficient, abs(distance))
    if x <= 1 { return ((a + 2) * x - (a + 3)) * x * x + 1 }
    if x < 2 { return ((a * x - 5 * a) * x + 8 * a) * x - 4 * a }
    return 0
  }

  /// The input's places within reach, weighted by their distance. A shrinking, antialiased resize reaches
  /// as much further as it shrinks.
  private func weighted(_ position: Double, reach: Int, _ weight: (Double) -> Double) -> Place {
    let stretch = rule.antialiases ? min(scale, 1) : 1
    let extent = Double(reach) / stretch
    let first = Int((position - extent).rounded(.down)) + 1
    let last = Int((position + extent).rounded(.up)) - 1
    var place = Place(sources: [], weights: [])
    for source in first...max(first, last) {
      let isOutside = source < 0 || source >= input
      place.sources.append(clamped(source))
      let value = weight((Double(source) - position) * stretch)
      place.weights.append(isOutside && rule.excludesOutside ? 0 : value)
    }
    let sum = place.weights.reduce(0, +)
    if rule.excludesOutside || rule.antialiases, sum != 0 { place.weights = place.weights.map { $0 / sum } }
    return place
  }
}

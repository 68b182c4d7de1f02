internal import CKernels

/// The one-dimensional transforms of a Winograd convolution F(outputs, 3), for a vector of channels: two
/// of them, down the columns and along the rows, make that of a tile.
///
/// They come from evaluating polynomials at `points − 1` places and at infinity. Every value is a vector
/// in memory, `step` floats from the last.
protocol WinogradTransform {
  /// Outputs of a tile along one axis.
  static var outputs: Int { get }
  /// Inputs along one axis, and places of evaluation: outputs + 2.
  static var points: Int { get }
  /// Bᵀ · source
  static func forward(
    _ source: UnsafePointer<Float>, _ step: Int, _ target: UnsafeMutablePointer<Float>, _ targetStep: Int)
  /// Aᵀ · source
  static func backward(
    _ source: UnsafePointer<Float>, _ step: Int, _ target: UnsafeMutablePointer<Float>, _ targetStep: Int)
  /// G · source, where source is three weights and the places are `points` numbers.
  static func filter(
    _ source: UnsafePointer<Double>, _ step: Int, _ target: UnsafeMutablePointer<Double>, _ targetStep: Int)
}

/// F(2, 3) at 0, ±1 and infinity: rounds hardly more than the plain sum.
enum Winograd2: WinogradTransform {
  static var outputs: Int { 2 }
  static var points: Int { 4 }

  @inline(__always)
  static func forward(
    _ source: UnsafePointer<Float>, _ step: Int, _ target: UnsafeMutablePointer<Float>, _ targetStep: Int
  ) {
    let d0 = lanes_load(source)
    let d1 = lanes_load(source + step)
    let d2 = lanes_load(source + 2 * step)
    let d3 = lanes_load(source + 3 * step)
    lanes_store(target, d0 - d2)
    lanes_store(target + targetStep, d2 + d1)
    lanes_store(target + 2 * targetStep, d2 - d1)
    lanes_store(target + 3 * targetStep, d3 - d1)
  }

  @inline(__always)
  static func backward(
    _ source: UnsafePointer<Float>, _ step: Int, _ target: UnsafeMutablePointer<Float>, _ targetStep: Int
  ) {
    let m1 = lanes_load(source + step)
    let m2 = lanes_load(source + 2 * step)
    lanes_store(target, lanes_load(source) + (m1 + m2))
    lanes_store(target + targetStep, (m1 - m2) + lanes_load(source + 3 * step))
  }

  @inline(__always)
  static func filter(
    _ source: UnsafePointer<Double>, _ step: Int, _ target: UnsafeMutablePointer<Double>, _ targetStep: Int
  ) {
    let even = source[0] + source[2 * step]
    target[0] = source[0]
    target[targetStep] = (even + source[step]) / 2
    target[2 * targetStep] = (even - source[step]) / 2
    target[3 * targetStep] = source[2 * step]
  }
}

/// F(4, 3) at 0, ±a, ±b and infinity. With a = 5/8 and b = 3/2 it rounds less than with the usual 1 and
/// 2, and the factors are exact.
enum Winograd4: WinogradTransform {
  static var outputs: Int { 4 }
  static var points: Int { 6 }

  @inline(__always)
  private static var a: Float { 0.625 }
  @inline(__always)
  private static var b: Float { 1.5 }

  @inline(__always)
  static func forward(
    _ source: UnsafePointer<Float>, _ step: Int, _ target: UnsafeMutablePointer<Float>, _ targetStep: Int
  ) {
    let d0 = lanes_load(source)
    let d1 = lanes_load(source + step)
    let d2 = lanes_load(source + 2 * step)
    let d3 = lanes_load(source + 3 * step)
    let d4 = lanes_load(source + 4 * step)
    let d5 = lanes_load(source + 5 * step)
    let product = splat(a * a * b * b)
    let sum = splat(-(a * a + b * b))
    let evenA = lanes_multiply_add(d2, splat(-b * b), d4)
    let oddA = lanes_multiply_add(d1, splat(-b * b), d3)
    let evenB = lanes_multiply_add(d2, splat(-a * a), d4)
    let oddB = lanes_multiply_add(d1, splat(-a * a), d3)
    lanes_store(target, lanes_multiply_add(d0, product, lanes_multiply_add(d2, sum, d4)))
    lanes_store(target + targetStep, lanes_multiply_add(oddA, splat(a), evenA))
    lanes_store(target + 2 * targetStep, lanes_multiply_add(oddA, splat(-a), evenA))
    lanes_store(target + 3 * targetStep, lanes_multiply_add(oddB, splat(b), evenB))
    lanes_store(target + 4 * targetStep, lanes_multiply_add(oddB, splat(-b), evenB))
    lanes_store(target + 5 * targetStep, lanes_multiply_add(d1, product, lanes_multiply_add(d3, sum, d5)))
  }

  @inline(__always)
  static func backward(
    _ source: UnsafePointer<Float>, _ step: Int, _ target: UnsafeMutablePointer<Float>, _ targetStep: Int
  ) {
    let m1 = lanes_load(source + step)
    let m2 = lanes_load(source + 2 * step)
    let m3 = lanes_load(source + 3 * step)
    let m4 = lanes_load(source + 4 * step)
    let evenA = m1 + m2
    let oddA = m1 - m2
    let evenB = m3 + m4
    let oddB = m3 - m4
    let last = lanes_load(source + 5 * step)
    lanes_store(target, lanes_load(source) + (evenA + evenB))
    lanes_store(target + targetStep, lanes_multiply_add(oddA, splat(a), oddB * splat(b)))
    lanes_store(target + 2 * targetStep, lanes_multiply_add(evenA, splat(a * a), evenB * splat(b * b)))
    lanes_store(
      target + 3 * targetStep,
      lanes_multiply_add(oddA, splat(a * a * a), lanes_multiply_add(oddB, splat(b * b * b), last)))
  }

  @inline(__always)
  static func filter(
    _ source: UnsafePointer<Double>, _ step: Int, _ target: UnsafeMutablePointer<Double>, _ targetStep: Int
  ) {
    let (a, b) = (Double(Winograd4.a), Double(Winograd4.b))
    let scaleA = 1 / (2 * a * a * (a * a - b * b))
    let scaleB = 1 / (2 * b * b * (b * b - a * a))
    let evenA = source[0] + a * a * source[2 * step]
    let evenB = source[0] + b * b * source[2 * step]
    target[0] = source[0] / (a * a * b * b)
    target[targetStep] = (evenA + a * source[step]) * scaleA
    target[2 * targetStep] = (evenA - a * source[step]) * scaleA
    target[3 * targetStep] = (evenB + b * source[step]) * scaleB
    target[4 * targetStep] = (evenB - b * source[step]) * scaleB
    target[5 * targetStep] = source[2 * step]
  }
}

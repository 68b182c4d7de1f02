internal import Glibc

/// Every operation once more, as its definition reads: slow, sums in double. The kernels are tested against it.
public enum Reference {
  public static func apply(_ activation: Activation, _ x: Float) -> Float {
    switch activation {
    case .none: x
    case .relu: maximum(x, 0)
    case .clip(let low, let high): minimum(maximum(x, low), high)
    case .leakyRelu(let slope): x < 0 ? slope * x : x
    case .sigmoid: Float(sigmoid(Double(x)))
    case .tanh: Float(Glibc.tanh(Double(x)))
    case .gelu: Float(gelu(Double(x)))
    case .geluTanh: Float(geluTanh(Double(x)))
    case .silu: x == -.infinity ? 0 : Float(Double(x) * sigmoid(Double(x)))
    case .hardSigmoid(let slope, let offset): minimum(maximum(slope * x + offset, 0), 1)
    case .hardSwish: x * minimum(maximum(x / 6 + 0.5, 0), 1)
    }
  }

  /// The greater; NaN if either is.
  static func maximum(_ x: Float, _ y: Float) -> Float { x.isNaN || y.isNaN ? .nan : max(x, y) }

  /// The less; NaN if either is.
  static func minimum(_ x: Float, _ y: Float) -> Float { x.isNaN || y.isNaN ? .nan : min(x, y) }

  private static func sigmoid(_ x: Double) -> Double { 1 / (1 + Glibc.exp(-x)) }

  private static func gelu(_ x: Double) -> Double {
    x == -.infinity ? 0 : 0.5 * x * Glibc.erfc(-x / 2.0.squareRoot())
  }

  private static func geluTanh(_ x: Double) -> Double {
    if x == -.infinity { return 0 }
    let inner = (2 / Double.pi).squareRoot() * (x + 0.044715 * x * x * x)
    return x * sigmoid(2 * inner)
  }
}

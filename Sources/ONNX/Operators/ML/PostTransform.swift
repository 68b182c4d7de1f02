import Glibc

/// What the classifiers and regressors of ai.onnx.ml do to their scores at the end.
enum PostTransform: String, Sendable {
  case none = "NONE"
  case softmax = "SOFTMAX"
  case logistic = "LOGISTIC"
  case softmaxZero = "SOFTMAX_ZERO"
  case probit = "PROBIT"

  init(_ reader: NodeReader) throws {
    let word = try reader.string("post_transform") ?? "NONE"
    guard let transform = PostTransform(rawValue: word) else {
      throw ONNXError(.invalid, "post_transform '\(word)'")
    }
    self = transform
  }

  /// By the number that TreeEnsemble has for it.
  init(number: Int) throws {
    let all: [PostTransform] = [.none, .softmax, .logistic, .softmaxZero, .probit]
    guard all.indices.contains(number) else { throw ONNXError(.invalid, "post_transform \(number)") }
    self = all[number]
  }

  func applied(to scores: [Double]) -> [Double] {
    switch self {
    case .none: return scores
    case .logistic: return scores.map { PostTransform.logistic($0) }
    case .probit: return scores.map { PostTransform.probit($0) }
    case .softmax: return softmax(scores) { _ in true }
    // Scores of 0 stay what they are.
    case .softmaxZero: return softmax(scores) { $0 != 0 }
    }
  }

  static func logistic(_ value: Double) -> Double { 1 / (1 + exp(-value)) }

  private func softmax(_ scores: [Double], _ counts: (Double) -> Bool) -> [Double] {
    let greatest = scores.max() ?? 0
    let powers = scores.map { counts($0) ? exp($0 - greatest) : 0 }
    let sum = powers.reduce(0, +)
    return sum == 0 ? powers : powers.map { $0 / sum }
  }

  /// √2 times the inverse error function of 2x - 1, by Winitzki's approximation.
  private static func probit(_ value: Double) -> Double {
    let x = 2 * value - 1
    let logarithm = log((1 - x) * (1 + x))
    let a = 2 / (Double.pi * 0.147) + 0.5 * logarithm
    let root = (-a + (a * a - logarithm / 0.147).squareRoot()).squareRoot()
    return 2.0.squareRoot() * (x < 0 ? -root : root)
  }
}

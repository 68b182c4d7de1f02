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
    var scores = scores
    scores.withUnsafeMutableBufferPointer { apply(to: $0) }
    return scores
  }

  func apply(to scores: UnsafeMutableBufferPointer<Double>) {
    switch self {
    case .none: return
    case .logistic: for index in scores.indices { scores[index] = PostTransform.logistic(scores[index]) }
    case .probit: for index in scores.indices { scores[index] = PostTransform.probit(scores[index]) }
    case .softmax: softmax(scores, keepsZeros: false)
    // Scores of 0 stay what they are.
    case .softmaxZero: softmax(scores, keepsZeros: true)
    }
  }

  static func logistic(_ value: Double) -> Double { 1 / (1 + exp(-value)) }

  private func softmax(_ scores: UnsafeMutableBufferPointer<Double>, keepsZeros: Bool) {
    let greatest = scores.max() ?? 0
    var sum = 0.0
    for index in scores.indices {
      scores[index] = keepsZeros && scores[index] == 0 ? 0 : exp(scores[index] - greatest)
      sum += scores[index]
    }
    if sum != 0 { for index in scores.indices { scores[index] /= sum } }
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

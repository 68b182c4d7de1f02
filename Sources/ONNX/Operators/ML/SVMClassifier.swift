import Glibc
import Tensors

/// The operator SVMClassifier of ai.onnx.ml: support vectors whose classes vote in pairs, or a linear machine.
struct SVMClassifier: Evaluation {
  static let description = OperatorDescription(
    "SVMClassifier", domain: "ai.onnx.ml", inputs: 1...1, outputs: 1...2,
    support: "FP32, FP64, INT32, INT64; all kernels, with and without probabilities"
  ) { reader in
    let labels = try ClassLabels(reader, integers: "classlabels_ints")
    let perClass = try reader.ints("vectors_per_class") ?? []
    let numbers = { (name: String) throws -> [Double] in (try reader.floats(name) ?? []).map { Double($0) } }
    let machine = SVMClassifier(
      labels: labels, kernel: try SVMKernel(reader), perClass: perClass,
      coefficients: try numbers("coefficients"), vectors: try numbers("support_vectors"),
      rho: try numbers("rho"), probA: try numbers("prob_a"), probB: try numbers("prob_b"),
      transform: try PostTransform(reader))
    try machine.check()
    return machine
  }

  let name = "SVMClassifier"
  let labels: ClassLabels
  let kernel: SVMKernel
  /// Support vectors of each class; none for a linear machine.
  let perClass: [Int]
  let coefficients: [Double]
  let vectors: [Double]
  let rho: [Double]
  let probA: [Double]
  let probB: [Double]
  let transform: PostTransform

  private var classes: Int { labels.count }
  private var pairs: Int { classes * (classes - 1) / 2 }
  private var count: Int { perClass.reduce(0, +) }

  private func check() throws {
    guard (1...4096).contains(classes), perClass.allSatisfy({ (0...1 << 24).contains($0) }) else {
      throw ONNXError(.invalid, "\(classes) classes with \(perClass) vectors")
    }
    if perClass.isEmpty {
      guard !rho.isEmpty, coefficients.count % classes == 0 else {
        throw ONNXError(.invalid, "\(coefficients.count) coefficients for \(classes) classes")
      }
      return
    }
    guard perClass.count == classes, count > 0, vectors.count % count == 0,
      coefficients.count == count * (classes - 1), rho.count >= pairs,
      probA.isEmpty || probA.count >= pairs && probB.count >= pairs
    else {
      throw ONNXError(
        .invalid,
        "\(coefficients.count) coefficients and \(rho.count) rho for \(classes) classes, \(count) vectors")
    }
  }

  /// Scores are by class, but where classes vote in pairs without probabilities, by pair.
  private var width: Int {
    perClass.isEmpty || !probA.isEmpty || classes == 2 ? classes : pairs
  }

  func infer(_ node: NodeFacts) throws -> [TensorFact] {
    try labels.facts(try node.input(0), scores: width)
  }

  func evaluate(_ node: EvaluationRequest) throws -> [Value?] {
    let features = try node.features()
    let expected = perClass.isEmpty ? coefficients.count / classes : vectors.count / count
    guard features.width == expected else {
      throw ONNXError(.argument, "\(features.width) features; the model has \(expected)")
    }
    var (chosen, all): ([Int], [Double]) = ([], [])
    for row in 0..<features.rows {
      let x = Array(features.values[row * features.width..<(row + 1) * features.width])
      let (place, scores) = perClass.isEmpty ? linear(x) : voted(x)
      chosen.append(place)
      all += scores
    }
    return [try labels.tensor(node, chosen), try node.tensor(.fp32, [features.rows, width], all)]
  }

  private func linear(_ x: [Double]) -> (Int, [Double]) {
    let scores = (0..<classes).map { place in
      kernel.product(x, coefficients[place * x.count..<(place + 1) * x.count]) + rho[0]
    }
    return (Self.greatest(scores), transform.applied(to: scores))
  }

  private func voted(_ x: [Double]) -> (Int, [Double]) {
    let products = (0..<count).map { kernel.product(x, vectors[$0 * x.count..<($0 + 1) * x.count]) }
    var starts = [0]
    for number in perClass { starts.append(starts[starts.count - 1] + number) }
    var (decisions, votes): ([Double], [Double]) = ([], [Double](repeating: 0, count: classes))
    for first in 0..<classes {
      for second in first + 1..<max(classes, first + 1) {
        var sum = rho[decisions.count]
        for vector in starts[first]..<starts[first + 1] {
          sum += coefficients[(second - 1) * count + vector] * products[vector]
        }
        for vector in starts[second]..<starts[second + 1] {
          sum += coefficients[first * count + vector] * products[vector]
        }
        votes[sum > 0 ? first : second] += 1
        decisions.append(sum)
      }
    }
    let place = Self.greatest(votes)
    if !probA.isEmpty { return (place, transform.applied(to: probabilities(decisions))) }
    guard classes == 2 else { return (place, transform.applied(to: decisions)) }
    return (place, pair(decisions[0]))
  }

  /// The scores of both classes from their one decision. A decision above 0 is for the first class, and yet the score of
  /// the second: so onnxruntime has it, and what exporters write is made for that.
  private func pair(_ decision: Double) -> [Double] {
    switch transform {
    case .none: [-decision, decision]
    case .logistic: [PostTransform.logistic(-decision), PostTransform.logistic(decision)]
    default: transform.applied(to: [-decision, decision])
    }
  }

  /// The probabilities of classes that agree best with those of pairs, as LIBSVM couples them.
  private func probabilities(_ decisions: [Double]) -> [Double] {
    var pairwise = [[Double]](repeating: [Double](repeating: 0, count: classes), count: classes)
    var pair = 0
    for first in 0..<classes {
      for second in first + 1..<max(classes, first + 1) {
        let logistic = PostTransform.logistic(-(decisions[pair] * probA[pair] + probB[pair]))
        pairwise[first][second] = min(max(logistic, 1e-7), 1 - 1e-7)
        pairwise[second][first] = 1 - pairwise[first][second]
        pair += 1
      }
    }
    return Self.coupled(pairwise)
  }

  private static func coupled(_ pairwise: [[Double]]) -> [Double] {
    let count = pairwise.count
    var q = pairwise
    for t in 0..<count {
      q[t][t] = (0..<count).reduce(0) { $1 == t ? $0 : $0 + pairwise[$1][t] * pairwise[$1][t] }
      for j in 0..<count where j != t { q[t][j] = -pairwise[j][t] * pairwise[t][j] }
    }
    var p = [Double](repeating: 1 / Double(count), count: count)
    for _ in 0..<max(100, count) {
      var products = q.map { line in zip(line, p).reduce(0) { $0 + $1.0 * $1.1 } }
      var sum = zip(p, products).reduce(0) { $0 + $1.0 * $1.1 }
      if products.allSatisfy({ abs($0 - sum) < 0.005 / Double(count) }) { break }
      for t in 0..<count {
        let step = (sum - products[t]) / q[t][t]
        p[t] += step
        sum = (sum + step * (step * q[t][t] + 2 * products[t])) / (1 + step) / (1 + step)
        for j in 0..<count {
          products[j] = (products[j] + step * q[t][j]) / (1 + step)
          p[j] /= 1 + step
        }
      }
    }
    return p
  }

  private static func greatest(_ scores: [Double]) -> Int {
    scores.indices.max { scores[$0] < scores[$1] || scores[$0] == scores[$1] && $0 > $1 } ?? 0
  }
}

/// The kernel of a support vector machine.
struct SVMKernel: Sendable {
  let type: String
  private let gamma: Double
  private let offset: Double
  private let degree: Double

  init(_ reader: NodeReader) throws {
    let parameters = try reader.floats("kernel_params") ?? []
    guard parameters.isEmpty || parameters.count == 3 else {
      throw ONNXError(.invalid, "\(parameters.count) kernel_params, expected gamma, coef0 and degree")
    }
    type = try reader.word("kernel_type", "LINEAR", "POLY", "RBF", "SIGMOID")
    (gamma, offset, degree) =
      parameters.isEmpty ? (0, 0, 0) : (Double(parameters[0]), Double(parameters[1]), Double(parameters[2]))
  }

  func product(_ a: [Double], _ b: ArraySlice<Double>) -> Double {
    if type == "RBF" { return exp(-gamma * zip(a, b).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }) }
    let sum = zip(a, b).reduce(0) { $0 + $1.0 * $1.1 }
    switch type {
    case "POLY": return pow(gamma * sum + offset, degree)
    case "SIGMOID": return tanh(gamma * sum + offset)
    default: return sum
    }
  }
}

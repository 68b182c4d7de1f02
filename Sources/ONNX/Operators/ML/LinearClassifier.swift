import Tensors

/// The operator LinearClassifier of ai.onnx.ml.
struct LinearClassifier: Evaluation {
  static let description = OperatorDescription(
    "LinearClassifier", domain: "ai.onnx.ml", inputs: 1...1, outputs: 1...2,
    support: "FP32, FP64, INT32, INT64"
  ) { reader in
    let labels = try ClassLabels(reader, integers: "classlabels_ints")
    let coefficients = try reader.required("coefficients", try reader.floats("coefficients"))
    let intercepts = try reader.floats("intercepts") ?? []
    let transform = try PostTransform(reader)
    let scores = intercepts.isEmpty ? labels.count : intercepts.count
    guard scores == labels.count || scores == 1 && labels.count == 2 && transform == .logistic else {
      throw ONNXError(.unsupported, "\(scores) scores for \(labels.count) classes with \(transform.rawValue)")
    }
    guard coefficients.count % scores == 0 else {
      throw ONNXError(.invalid, "\(coefficients.count) coefficients")
    }
    return LinearClassifier(
      labels: labels, coefficients: coefficients, intercepts: intercepts, transform: transform)
  }

  let name = "LinearClassifier"
  let labels: ClassLabels
  let coefficients: [Float]
  let intercepts: [Float]
  let transform: PostTransform

  func infer(_ node: NodeFacts) throws -> [TensorFact] {
    try labels.facts(try node.input(0), scores: labels.count)
  }

  func evaluate(_ node: EvaluationRequest) throws -> [Value?] {
    let features = try node.features()
    let scores = intercepts.isEmpty ? labels.count : intercepts.count
    var (classes, all): ([Int], [Double]) = ([], [])
    for row in 0..<features.rows {
      let line = try LinearScores.scores(
        features.values[row * features.width..<(row + 1) * features.width], coefficients, intercepts,
        count: scores)
      if scores == 1 {
        classes.append(line[0] > 0 ? 1 : 0)
        all += [1 - PostTransform.logistic(line[0]), PostTransform.logistic(line[0])]
      } else {
        classes.append(line.indices.max { line[$0] < line[$1] || line[$0] == line[$1] && $0 > $1 } ?? 0)
        all += transform.applied(to: line)
      }
    }
    return [try labels.tensor(node, classes), try node.tensor(.fp32, [features.rows, labels.count], all)]
  }
}

enum LinearScores {
  /// Products of a row of features with rows of coefficients, and the intercepts.
  static func scores(
    _ row: ArraySlice<Double>, _ coefficients: [Float], _ intercepts: [Float], count: Int
  ) throws -> [Double] {
    guard coefficients.count == count * row.count else {
      throw ONNXError(.argument, "\(row.count) features; the model has \(coefficients.count / max(count, 1))")
    }
    return (0..<count).map { target in
      var sum = intercepts.isEmpty ? 0 : Double(intercepts[target])
      for (index, value) in row.enumerated() {
        sum += value * Double(coefficients[target * row.count + index])
      }
      return sum
    }
  }
}

import Tensors

/// The operator TreeEnsembleClassifier of ai.onnx.ml.
struct TreeEnsembleClassifier: Evaluation {
  static let description = OperatorDescription(
    "TreeEnsembleClassifier", domain: "ai.onnx.ml", inputs: 1...1, outputs: 1...2,
    support: "FP32, FP64, INT32, INT64"
  ) { reader in
    let labels = try ClassLabels(reader, integers: "classlabels_int64s")
    let trees = try DecisionTrees(reader, weights: "class", targets: labels.count)
    let targets = Set(trees.leaves.joined().map(\.target))
    return TreeEnsembleClassifier(
      labels: labels, trees: trees, transform: try PostTransform(reader),
      base: try DecisionTrees.numbers(reader, "base_values"),
      singleTarget: labels.count == 2 && targets.count == 1 ? targets.first : nil,
      isPositive: trees.leaves.joined().allSatisfy { $0.value >= 0 })
  }

  let name = "TreeEnsembleClassifier"
  let labels: ClassLabels
  let trees: DecisionTrees
  let transform: PostTransform
  let base: [Double]
  /// The one class of two that the weights are for; nil when they are for all.
  let singleTarget: Int?
  /// Whether no weight is negative: the scores are then probabilities.
  let isPositive: Bool

  func infer(_ node: NodeFacts) throws -> [TensorFact] {
    try labels.facts(try node.input(0), scores: labels.count)
  }

  func evaluate(_ node: EvaluationRequest) throws -> [Value?] {
    let features = try node.features()
    guard trees.widestFeature < features.width else {
      throw ONNXError(.argument, "\(features.width) features; the trees look at \(trees.widestFeature + 1)")
    }
    var (classes, all): ([Int], [Float]) = ([], [])
    for row in 0..<features.rows {
      let values = features.values[row * features.width..<(row + 1) * features.width]
      let scores = trees.scores(
        values, targets: labels.count, aggregate: .sum, base: base.count == labels.count ? base : [])
      if let target = singleTarget {
        let score = scores[target] + (base.count == 1 ? base[0] : 0)
        classes.append(score > (isPositive ? 0.5 : 0) ? 1 : 0)
        all += pair(score).map { Float($0) }
      } else {
        classes.append(
          scores.indices.max { scores[$0] < scores[$1] || scores[$0] == scores[$1] && $0 > $1 } ?? 0)
        all += transform.applied(to: scores).map { Float($0) }
      }
    }
    return [
      try labels.tensor(node, classes), try node.tensor(.fp32, [features.rows, labels.count], floats: all),
    ]
  }

  /// The scores of both classes from that of one.
  private func pair(_ score: Double) -> [Double] {
    if isPositive { return [1 - score, score] }
    if transform == .logistic { return [PostTransform.logistic(-score), PostTransform.logistic(score)] }
    return [-score, score]
  }
}

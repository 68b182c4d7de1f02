import Kernels
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

  func step(_ node: StepRequest) throws -> Step {
    let x = try node.input(0)
    guard case .integers(let names) = labels, let walk = trees.walk, x.datatype == .fp32,
      x.shape.rank == 1 || x.shape.rank == 2, let width = x.shape.last, width > trees.widestFeature
    else { return evaluationStep(node) }
    let rows = x.shape.rank == 2 ? x.shape[0] : 1
    let label = node.outputs.first ?? nil
    let scores = node.outputs.count > 1 ? node.outputs[1] : nil
    let classes = names.count
    let parts = walk.parts(rows: rows, node.team)
    return Step(scratchBytes: parts * classes * MemoryLayout<Double>.stride) { memory in
      let source = memory.floats(x)
      let scratch = memory.scratch.assumingMemoryBound(to: Double.self)
      let chosen = label.map { memory.elements($0, as: Int64.self) }
      let target = scores.map { memory.floats($0) }
      memory.team.parallelFor(parts) { part in
        let sums = UnsafeMutableBufferPointer(start: scratch + part * classes, count: classes)
        for row in rows * part / parts..<rows * (part + 1) / parts {
          trees.sums(source + row * width, width: width, sums)
          let place = finish(sums)
          chosen?[row] = Int64(names[place])
          if let target { for index in 0..<classes { target[row * classes + index] = Float(sums[index]) } }
        }
      }
    }
  }

  /// Makes the outputs of the sums of a row, in their place, and gives the class.
  private func finish(_ sums: UnsafeMutableBufferPointer<Double>) -> Int {
    if let target = singleTarget {
      let score = sums[target] + (base.count == 2 ? base[target] : base.count == 1 ? base[0] : 0)
      (sums[0], sums[1]) = pair(score)
      return score > (isPositive ? 0.5 : 0) ? 1 : 0
    }
    if base.count == sums.count { for index in sums.indices { sums[index] += base[index] } }
    var place = 0
    for index in sums.indices where sums[index] > sums[place] { place = index }
    transform.apply(to: sums)
    return place
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
        let both = pair(score)
        all += [Float(both.0), Float(both.1)]
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
  private func pair(_ score: Double) -> (Double, Double) {
    if isPositive { return (1 - score, score) }
    if transform == .logistic { return (PostTransform.logistic(-score), PostTransform.logistic(score)) }
    return (-score, score)
  }
}

extension TreeWalk {
  /// Parts of as many rows that are worth a thread each.
  func parts(rows: Int, _ team: ThreadTeam) -> Int {
    let worthwhile = rows * cost / 20_000
    return max(1, min(rows, team.width * 2, worthwhile))
  }
}

import Kernels
import Tensors

/// The operator TreeEnsembleRegressor of ai.onnx.ml.
struct TreeEnsembleRegressor: Evaluation {
  static let description = OperatorDescription(
    "TreeEnsembleRegressor", domain: "ai.onnx.ml", inputs: 1...1, support: "FP32, FP64, INT32, INT64"
  ) { reader in
    let targets = try reader.int("n_targets", default: 1)
    guard (1..<1 << 24).contains(targets) else { throw ONNXError(.invalid, "n_targets \(targets)") }
    let word = try reader.string("aggregate_function") ?? "SUM"
    guard let aggregate = DecisionTrees.Aggregate(rawValue: word) else {
      throw ONNXError(.invalid, "aggregate_function '\(word)'")
    }
    return TreeEnsembleRegressor(
      name: "TreeEnsembleRegressor", trees: try DecisionTrees(reader, weights: "target", targets: targets),
      targets: targets, aggregate: aggregate, transform: try PostTransform(reader),
      base: try DecisionTrees.numbers(reader, "base_values"))
  }

  let name: String
  let trees: DecisionTrees
  let targets: Int
  let aggregate: DecisionTrees.Aggregate
  let transform: PostTransform
  let base: [Double]
  /// The datatype of the output, where it is not FP32.
  var datatype = Datatype.fp32

  func infer(_ node: NodeFacts) throws -> [TensorFact] {
    let x = try node.input(0)
    guard x.rank == 1 || x.rank == 2 else { throw ONNXError(.invalid, "features of shape \(x.shapeText)") }
    let rows = x.rank == 2 ? rowsOfImages(x, others: []) : (x.rows == .shared ? .shared : .mixed)
    return [TensorFact(datatype, [x.rank == 2 ? x.dimensions[0] : .one, Dimension(targets)], rows: rows)]
  }

  func step(_ node: StepRequest) throws -> Step {
    let (x, y) = (try node.input(0), try node.output())
    guard let walk = trees.walk, x.datatype == .fp32, datatype == .fp32,
      aggregate == .sum || aggregate == .average, x.shape.rank == 1 || x.shape.rank == 2,
      let width = x.shape.last, width > trees.widestFeature
    else { return evaluationStep(node) }
    let rows = x.shape.rank == 2 ? x.shape[0] : 1
    let (parts, targets) = (walk.parts(rows: rows, node.team), targets)
    return Step(scratchBytes: parts * targets * MemoryLayout<Double>.stride) { memory in
      let (source, target) = (memory.floats(x), memory.floats(y))
      let scratch = memory.scratch.assumingMemoryBound(to: Double.self)
      memory.team.parallelFor(parts) { part in
        let sums = UnsafeMutableBufferPointer(start: scratch + part * targets, count: targets)
        for row in rows * part / parts..<rows * (part + 1) / parts {
          trees.sums(source + row * width, width: width, sums)
          finish(sums)
          for index in 0..<targets { target[row * targets + index] = Float(sums[index]) }
        }
      }
    }
  }

  /// Makes the outputs of the sums of a row, in their place.
  private func finish(_ sums: UnsafeMutableBufferPointer<Double>) {
    let divisor = aggregate == .average ? Double(max(trees.roots.count, 1)) : 1
    for index in sums.indices {
      sums[index] = sums[index] / divisor + (index < base.count ? base[index] : 0)
    }
    transform.apply(to: sums)
  }

  func evaluate(_ node: EvaluationRequest) throws -> [Value?] {
    let features = try node.features()
    guard trees.widestFeature < features.width else {
      throw ONNXError(.argument, "\(features.width) features; the trees look at \(trees.widestFeature + 1)")
    }
    var all: [Double] = []
    for row in 0..<features.rows {
      let values = features.values[row * features.width..<(row + 1) * features.width]
      all += transform.applied(to: trees.scores(values, targets: targets, aggregate: aggregate, base: base))
    }
    return [try node.tensor(datatype, [features.rows, targets], all)]
  }
}

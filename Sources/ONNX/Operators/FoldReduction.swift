import Glibc
import Kernels
import Tensors

/// The ONNX operators ReduceL1, ReduceL2, ReduceLogSum and ReduceLogSumExp.
struct FoldReduction: Evaluation {
  static let absoluteDescription = description("ReduceL1", .absoluteSum)
  static let euclideanDescription = description("ReduceL2", .euclidean)
  static let logarithmDescription = description("ReduceLogSum", .logarithmOfSum)
  static let exponentialDescription = description("ReduceLogSumExp", .logarithmOfExponentials)

  enum Fold: Sendable { case absoluteSum, euclidean, logarithmOfSum, logarithmOfExponentials }

  private static func description(_ type: String, _ fold: Fold) -> OperatorDescription {
    OperatorDescription(type, inputs: 1...2, support: "all numbers; axes as attribute or input") { reader in
      FoldReduction(fold: fold, axes: try Reduce.make(type, .sum, axesInputSince: 18, reader))
    }
  }

  let fold: Fold
  /// Gives the shape.
  let axes: Reduce
  var name: String { axes.name }

  func infer(_ node: NodeFacts) throws -> [TensorFact] { try axes.infer(node) }

  func evaluate(_ node: EvaluationRequest) throws -> [Value?] {
    try node.requireNumber(0)
    let x = try node.input(0)
    let given =
      try axes.axes.input.map { node.has($0) ? try node.integers($0) : [] } ?? axes.axes.attribute ?? []
    let places = try axes.places(given, rank: x.shape.rank)
    var strides = [Int](repeating: 0, count: x.shape.rank)
    var count = 1
    for axis in x.shape.indices.reversed() where !places.contains(axis) {
      strides[axis] = count
      count *= x.shape[axis]
    }
    var groups = [[Double]](repeating: [], count: count)
    let values = x.doubles()
    x.shape.forEachPlace { place, index in
      groups[index.indices.reduce(0) { $0 + index[$1] * strides[$1] }].append(values[place])
    }
    let sizes = x.shape.indices.compactMap { axis in
      places.contains(axis) ? (axes.keepsAxes ? 1 : nil) : x.shape[axis]
    }
    return [try node.tensor(x.datatype, Shape(sizes), groups.map(folded))]
  }

  private func folded(_ values: [Double]) -> Double {
    switch fold {
    case .absoluteSum: return values.reduce(0) { $0 + abs($1) }
    case .euclidean: return values.reduce(0) { $0 + $1 * $1 }.squareRoot()
    case .logarithmOfSum: return log(values.reduce(0, +))
    case .logarithmOfExponentials:
      guard let greatest = values.max(), greatest.isFinite else { return values.max() ?? -.infinity }
      return greatest + log(values.reduce(0) { $0 + exp($1 - greatest) })
    }
  }
}

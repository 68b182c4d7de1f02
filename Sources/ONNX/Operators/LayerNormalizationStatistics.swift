import Tensors

/// The ONNX operator LayerNormalization with the outputs Mean and InvStdDev.
struct LayerNormalizationStatistics: Evaluation {
  let name = "LayerNormalization"
  let axis: Int
  let epsilon: Double

  func infer(_ node: NodeFacts) throws -> [TensorFact] {
    let x = try node.input(0)
    let place = try normalizedAxis(axis, rank: x.rank)
    let statistics = x.dimensions[..<place] + Array(repeating: Dimension.one, count: x.rank - place)
    let rows = node.rowsOfMixture
    return [TensorFact(x.datatype, x.dimensions, rows: rows)]
      + Array(
        repeating: TensorFact(x.datatype == .fp64 ? .fp64 : .fp32, Array(statistics), rows: rows), count: 2)
  }

  func evaluate(_ node: EvaluationRequest) throws -> [Value?] {
    try node.requireFloat(0)
    let x = try node.input(0)
    let place = try normalizedAxis(axis, rank: x.shape.rank)
    let length = x.shape.count(place..<x.shape.rank)
    let (scale, bias) = (try node.input(1).doubles(), try node.optional(2)?.doubles())
    guard scale.count == length, bias.map({ $0.count == length }) ?? true else {
      throw ONNXError(.unsupported, "a scale or bias of other than \(length) elements")
    }
    let values = x.doubles()
    var (result, means, factors): ([Double], [Double], [Double]) = ([], [], [])
    for start in stride(from: 0, to: values.count, by: max(length, 1)) {
      let group = values[start..<start + length]
      let (mean, factor) = MomentNormalization.moments(group, epsilon: epsilon)
      means.append(mean)
      factors.append(factor)
      for (index, value) in group.enumerated() {
        result.append((value - mean) * factor * scale[index] + (bias?[index] ?? 0))
      }
    }
    var shape = x.shape
    for axis in place..<x.shape.rank { shape[axis] = 1 }
    let statistics: Datatype = x.datatype == .fp64 ? .fp64 : .fp32
    return [
      try node.tensor(x.datatype, x.shape, result), try node.tensor(statistics, shape, means),
      try node.tensor(statistics, shape, factors),
    ]
  }
}

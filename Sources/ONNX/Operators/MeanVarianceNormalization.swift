import Tensors

/// The ONNX operator MeanVarianceNormalization.
struct MeanVarianceNormalization: Evaluation {
  static let description = OperatorDescription(
    "MeanVarianceNormalization", inputs: 1...1, support: "FP16, BF16, FP32, FP64"
  ) { reader in MeanVarianceNormalization(axes: try reader.ints("axes") ?? [0, 2, 3]) }

  let name = "MeanVarianceNormalization"
  let axes: [Int]

  func infer(_ node: NodeFacts) throws -> [TensorFact] {
    let x = try node.input(0)
    return [TensorFact(x.datatype, x.dimensions, rows: node.rowsOfMixture)]
  }

  func evaluate(_ node: EvaluationRequest) throws -> [Value?] {
    try node.requireFloat(0)
    let x = try node.input(0)
    let axes = try normalizedAxes(axes, rank: x.shape.rank)
    var strides = [Int](repeating: 0, count: x.shape.rank)
    var count = 1
    for axis in x.shape.indices.reversed() where !axes.contains(axis) {
      strides[axis] = count
      count *= x.shape[axis]
    }
    var groups = [[Int]](repeating: [], count: count)
    x.shape.forEachPlace { place, index in
      groups[index.indices.reduce(0) { $0 + index[$1] * strides[$1] }].append(place)
    }
    var values = x.doubles()
    for group in groups {
      let members = group.map { values[$0] }
      let mean = members.reduce(0, +) / Double(members.count)
      let deviation = (members.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(members.count))
        .squareRoot()
      for place in group { values[place] = (values[place] - mean) / (deviation + 1e-9) }
    }
    return [try node.tensor(x.datatype, x.shape, values)]
  }
}

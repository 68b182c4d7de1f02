import Tensors

/// The ONNX operator BatchNormalization in training mode: by the statistics of the batch itself, with
/// running ones carried on.
struct BatchNormalizationTraining: Evaluation {
  let name = "BatchNormalization"
  let epsilon: Double
  let momentum: Double

  func infer(_ node: NodeFacts) throws -> [TensorFact] {
    let (x, mean) = (try node.input(0), try node.input(3))
    return [TensorFact(x.datatype, x.dimensions, rows: node.rowsOfMixture)]
      + Array(repeating: TensorFact(mean.datatype, mean.dimensions, rows: node.rowsOfMixture), count: 2)
  }

  func evaluate(_ node: EvaluationRequest) throws -> [Value?] {
    try node.requireFloat(0)
    let x = try node.input(0)
    guard x.shape.rank >= 2 else { throw ONNXError(.invalid, "an image of shape \(x.shape)") }
    let lists = try (1...4).map { try node.input($0).doubles() }
    let (batch, channels, plane) = (x.shape[0], x.shape[1], x.shape.count(2..<x.shape.rank))
    guard lists.allSatisfy({ $0.count == channels }) else {
      throw ONNXError(.invalid, "statistics for other than \(channels) channels")
    }
    var values = x.doubles()
    var (means, variances) = (lists[2], lists[3])
    for channel in 0..<channels {
      let places = (0..<batch).flatMap { row in
        (0..<plane).map { (row * channels + channel) * plane + $0 }
      }
      let count = Double(max(places.count, 1))
      let mean = places.reduce(0) { $0 + values[$1] } / count
      let variance = places.reduce(0) { $0 + (values[$1] - mean) * (values[$1] - mean) } / count
      let factor = lists[0][channel] / (variance + epsilon).squareRoot()
      for place in places { values[place] = (values[place] - mean) * factor + lists[1][channel] }
      means[channel] = means[channel] * momentum + mean * (1 - momentum)
      variances[channel] = variances[channel] * momentum + variance * (1 - momentum)
    }
    let statistics = try node.input(3).datatype
    return [
      try node.tensor(x.datatype, x.shape, values), try node.tensor(statistics, [channels], means),
      try node.tensor(statistics, [channels], variances),
    ]
  }
}

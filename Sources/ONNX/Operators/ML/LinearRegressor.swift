import Tensors

/// The operator LinearRegressor of ai.onnx.ml.
struct LinearRegressor: Evaluation {
  static let description = OperatorDescription(
    "LinearRegressor", domain: "ai.onnx.ml", inputs: 1...1, support: "FP32, FP64, INT32, INT64"
  ) { reader in
    let targets = try reader.int("targets", default: 1)
    let intercepts = try reader.floats("intercepts") ?? []
    guard (1..<1 << 24).contains(targets), intercepts.isEmpty || intercepts.count == targets else {
      throw ONNXError(.invalid, "\(targets) targets, \(intercepts.count) intercepts")
    }
    return LinearRegressor(
      targets: targets, coefficients: try reader.required("coefficients", try reader.floats("coefficients")),
      intercepts: intercepts, transform: try PostTransform(reader))
  }

  let name = "LinearRegressor"
  let targets: Int
  let coefficients: [Float]
  let intercepts: [Float]
  let transform: PostTransform

  func infer(_ node: NodeFacts) throws -> [TensorFact] {
    let x = try node.input(0)
    guard x.rank == 1 || x.rank == 2 else { throw ONNXError(.invalid, "features of shape \(x.shapeText)") }
    let rows = x.rank == 2 ? rowsOfImages(x, others: []) : (x.rows == .shared ? .shared : .mixed)
    return [TensorFact(.fp32, [x.rank == 2 ? x.dimensions[0] : .one, Dimension(targets)], rows: rows)]
  }

  func evaluate(_ node: EvaluationRequest) throws -> [Value?] {
    let features = try node.features()
    var all: [Double] = []
    for row in 0..<features.rows {
      let line = try LinearScores.scores(
        features.values[row * features.width..<(row + 1) * features.width], coefficients, intercepts,
        count: targets)
      all += transform.applied(to: line)
    }
    return [try node.tensor(.fp32, [features.rows, targets], all)]
  }
}

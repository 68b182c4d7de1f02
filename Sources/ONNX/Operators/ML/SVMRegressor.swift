import Tensors

/// The operator SVMRegressor of ai.onnx.ml.
struct SVMRegressor: Evaluation {
  static let description = OperatorDescription(
    "SVMRegressor", domain: "ai.onnx.ml", inputs: 1...1, support: "FP32, FP64, INT32, INT64; all kernels"
  ) { reader in
    let rho = try reader.required("rho", try reader.floats("rho")?.first)
    return SVMRegressor(
      kernel: try SVMKernel(reader),
      coefficients: try reader.required("coefficients", try reader.floats("coefficients")).map { Double($0) },
      vectors: (try reader.floats("support_vectors") ?? []).map { Double($0) },
      count: try reader.int("n_supports", default: 0), rho: Double(rho),
      isOneClass: try reader.flag("one_class", default: false), transform: try PostTransform(reader))
  }

  let name = "SVMRegressor"
  let kernel: SVMKernel
  let coefficients: [Double]
  let vectors: [Double]
  /// Support vectors; 0 for a linear model of coefficients alone.
  let count: Int
  let rho: Double
  let isOneClass: Bool
  let transform: PostTransform

  func infer(_ node: NodeFacts) throws -> [TensorFact] {
    let x = try node.input(0)
    guard x.rank == 1 || x.rank == 2 else { throw ONNXError(.invalid, "features of shape \(x.shapeText)") }
    let rows = x.rank == 2 ? rowsOfImages(x, others: []) : (x.rows == .shared ? .shared : .mixed)
    return [TensorFact(.fp32, [x.rank == 2 ? x.dimensions[0] : .one, .one], rows: rows)]
  }

  func evaluate(_ node: EvaluationRequest) throws -> [Value?] {
    let features = try node.features()
    let width = features.width
    guard
      count > 0 ? vectors.count == count * width && coefficients.count == count : coefficients.count == width
    else {
      throw ONNXError(.argument, "\(width) features for \(vectors.count) numbers of \(count) support vectors")
    }
    let scores = (0..<features.rows).map { row -> Double in
      let values = Array(features.values[row * width..<(row + 1) * width])
      var sum = rho
      if count == 0 { sum += kernel.product(values, coefficients[...]) }
      for vector in 0..<count {
        sum += coefficients[vector] * kernel.product(values, vectors[vector * width..<(vector + 1) * width])
      }
      return isOneClass ? (sum > 0 ? 1 : -1) : sum
    }
    return [try node.tensor(.fp32, [features.rows, 1], scores.flatMap { transform.applied(to: [$0]) })]
  }
}

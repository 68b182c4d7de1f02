import Tensors

/// The operator Scaler of ai.onnx.ml: (x - offset) · scale, one pair for all features or one for each.
struct Scaler: Evaluation {
  static let description = OperatorDescription(
    "Scaler", domain: "ai.onnx.ml", inputs: 1...1, support: "FP32, FP64, INT32, INT64"
  ) { reader in Scaler(offsets: try reader.floats("offset") ?? [0], scales: try reader.floats("scale") ?? [1])
  }

  let name = "Scaler"
  let offsets: [Float]
  let scales: [Float]

  func infer(_ node: NodeFacts) throws -> [TensorFact] {
    let x = try node.input(0)
    return [TensorFact(.fp32, x.dimensions, rows: x.rows)]
  }

  func evaluate(_ node: EvaluationRequest) throws -> [Value?] {
    try node.requireNumber(0)
    let x = try node.input(0)
    let width = x.shape.last ?? 1
    for list in [offsets, scales] where list.count != 1 && list.count != width {
      throw ONNXError(.invalid, "\(list.count) offsets or scales for \(width) features")
    }
    let values = x.floats().enumerated().map { index, value in
      (value - offsets[offsets.count == 1 ? 0 : index % width])
        * scales[scales.count == 1 ? 0 : index % width]
    }
    return [try node.tensor(.fp32, x.shape, floats: values)]
  }
}

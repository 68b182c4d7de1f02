import Tensors

/// The ONNX operator InstanceNormalization: each channel of each image by itself.
struct InstanceNormalization: Evaluation {
  static let description = OperatorDescription(
    "InstanceNormalization", inputs: 3...3, support: "FP16, BF16, FP32, FP64"
  ) { reader in InstanceNormalization(epsilon: Double(try reader.float("epsilon", default: 1e-5))) }

  let name = "InstanceNormalization"
  let epsilon: Double

  func infer(_ node: NodeFacts) throws -> [TensorFact] {
    let x = try node.input(0)
    return [
      TensorFact(
        x.datatype, x.dimensions, rows: rowsOfImages(x, others: [node.optional(1), node.optional(2)]))
    ]
  }

  func evaluate(_ node: EvaluationRequest) throws -> [Value?] {
    try node.requireFloat(0)
    let x = try node.input(0)
    guard x.shape.rank >= 2 else { throw ONNXError(.invalid, "an image of shape \(x.shape)") }
    let (scale, bias) = (try node.input(1).doubles(), try node.input(2).doubles())
    guard scale.count == x.shape[1], bias.count == x.shape[1] else {
      throw ONNXError(.invalid, "scale or bias for other than \(x.shape[1]) channels")
    }
    let length = x.shape.count(2..<x.shape.rank)
    let values = MomentNormalization.normalized(x.doubles(), length: length, epsilon: epsilon)
    let result = values.enumerated().map { index, value in
      let channel = index / length % scale.count
      return value * scale[channel] + bias[channel]
    }
    return [try node.tensor(x.datatype, x.shape, result)]
  }
}

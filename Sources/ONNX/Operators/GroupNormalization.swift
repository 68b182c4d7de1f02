import Tensors

/// The ONNX operator GroupNormalization. Before opset 21 scale and bias belong to the groups, since then
/// to the channels.
struct GroupNormalization: Evaluation {
  static let description = OperatorDescription(
    "GroupNormalization", inputs: 3...3, support: "FP16, BF16, FP32, FP64"
  ) { reader in
    GroupNormalization(
      groups: try reader.required("num_groups", try reader.int("num_groups")),
      epsilon: Double(try reader.float("epsilon", default: 1e-5)), scalesGroups: reader.opset < 21)
  }

  let name = "GroupNormalization"
  let groups: Int
  let epsilon: Double
  let scalesGroups: Bool

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
    guard x.shape.rank >= 2, groups > 0, x.shape[1] % groups == 0 else {
      throw ONNXError(.invalid, "\(groups) groups for an image of shape \(x.shape)")
    }
    let (scale, bias) = (try node.input(1).doubles(), try node.input(2).doubles())
    let count = scalesGroups ? groups : x.shape[1]
    guard scale.count == count, bias.count == count else {
      throw ONNXError(.invalid, "scale or bias of other than \(count) elements")
    }
    let plane = x.shape.count(2..<x.shape.rank)
    let channels = x.shape[1] / groups
    let values = MomentNormalization.normalized(x.doubles(), length: plane * channels, epsilon: epsilon)
    let result = values.enumerated().map { index, value in
      let channel = index / plane % x.shape[1]
      let place = scalesGroups ? channel / channels : channel
      return value * scale[place] + bias[place]
    }
    return [try node.tensor(x.datatype, x.shape, result)]
  }
}

import Tensors

/// The ONNX operator DynamicQuantizeLinear: to UINT8, by the range of the tensor itself.
struct DynamicQuantizeLinear: Evaluation {
  static let description = OperatorDescription(
    "DynamicQuantizeLinear", inputs: 1...1, outputs: 1...3, support: "FP32"
  ) { _ in DynamicQuantizeLinear() }

  let name = "DynamicQuantizeLinear"

  func infer(_ node: NodeFacts) throws -> [TensorFact] {
    try node.require(0, .fp32)
    let x = try node.input(0)
    // The range is that of all rows.
    let rows = node.rowsOfMixture
    return [
      TensorFact(.uint8, x.dimensions, rows: rows), TensorFact(.fp32, [], rows: rows),
      TensorFact(.uint8, [], rows: rows),
    ]
  }

  func evaluate(_ node: EvaluationRequest) throws -> [Value?] {
    try node.require(0, [.fp32])
    let x = try node.input(0)
    let values = x.elements(as: Float.self)
    let low = values.reduce(0) { min($0, $1) }
    let high = values.reduce(0) { max($0, $1) }
    let scale = (high - low) / 255
    let zero = scale == 0 ? 0 : min(max(-low / scale, 0), 255).rounded(.toNearestOrEven)
    let y = try Tensor.make(.uint8, x.shape, node.engine.limits)
    let target = y.elements(as: UInt8.self)
    for index in values.indices {
      target[index] = scale == 0 ? 0 : QuantizeLinear.quantized(values[index] / scale, zero)
    }
    return [
      .tensor(y), try node.tensor(.fp32, [], [Double(scale)]),
      try node.tensor(.uint8, [], integers: [Int(zero)]),
    ]
  }
}

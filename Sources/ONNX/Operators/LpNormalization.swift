import Tensors

/// The ONNX operator LpNormalization: lines along an axis over their norm; those of norm 0 stay 0.
struct LpNormalization: Evaluation {
  static let description = OperatorDescription(
    "LpNormalization", inputs: 1...1, support: "FP16, BF16, FP32, FP64; p of 1 and 2"
  ) { reader in
    let p = try reader.int("p", default: 2)
    guard p == 1 || p == 2 else { throw ONNXError(.invalid, "p of \(p), expected 1 or 2") }
    return LpNormalization(axis: try reader.int("axis", default: -1), p: p)
  }

  let name = "LpNormalization"
  let axis: Int
  let p: Int

  func infer(_ node: NodeFacts) throws -> [TensorFact] {
    let x = try node.input(0)
    return [
      TensorFact(x.datatype, x.dimensions, rows: node.rowsAlong(try normalizedAxis(axis, rank: x.rank), x))
    ]
  }

  func evaluate(_ node: EvaluationRequest) throws -> [Value?] {
    try node.requireFloat(0)
    let x = try node.input(0)
    let layout = AxisLayout(x.shape, try normalizedAxis(axis, rank: x.shape.rank))
    var values = x.doubles()
    layout.forEachLine { _, start in
      var sum = 0.0
      for index in 0..<layout.length {
        let value = values[start + index * layout.inner]
        sum += p == 1 ? abs(value) : value * value
      }
      let norm = p == 1 ? sum : sum.squareRoot()
      if norm == 0 { return }
      for index in 0..<layout.length { values[start + index * layout.inner] /= norm }
    }
    return [try node.tensor(x.datatype, x.shape, values)]
  }
}

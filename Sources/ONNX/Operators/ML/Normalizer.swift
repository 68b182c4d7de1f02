import Tensors

/// The operator Normalizer of ai.onnx.ml: rows over their norm.
struct Normalizer: Evaluation {
  static let description = OperatorDescription(
    "Normalizer", domain: "ai.onnx.ml", inputs: 1...1, support: "FP32, FP64, INT32, INT64; MAX, L1, L2"
  ) { reader in Normalizer(norm: try reader.word("norm", "MAX", "L1", "L2")) }

  let name = "Normalizer"
  let norm: String

  func infer(_ node: NodeFacts) throws -> [TensorFact] {
    let x = try node.input(0)
    var rows = x.rows
    if case .axis(let axis) = rows, axis == x.rank - 1 { rows = .mixed }
    return [TensorFact(.fp32, x.dimensions, rows: rows)]
  }

  func evaluate(_ node: EvaluationRequest) throws -> [Value?] {
    try node.requireNumber(0)
    let x = try node.input(0)
    let width = max(x.shape.last ?? 1, 1)
    var values = x.floats()
    for start in stride(from: 0, to: values.count, by: width) {
      let row = values[start..<start + width]
      let size: Float
      switch norm {
      case "L1": size = row.reduce(0) { $0 + abs($1) }
      case "L2": size = row.reduce(0) { $0 + $1 * $1 }.squareRoot()
      default: size = row.reduce(-.infinity) { max($0, $1) }
      }
      if size != 0 { for index in row.indices { values[index] /= size } }
    }
    return [try node.tensor(.fp32, x.shape, floats: values)]
  }
}

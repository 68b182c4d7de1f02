import Tensors

/// The operator Binarizer of ai.onnx.ml: 1 above a threshold, else 0.
struct Binarizer: Evaluation {
  static let description = OperatorDescription(
    "Binarizer", domain: "ai.onnx.ml", inputs: 1...1, support: "all numbers"
  ) { reader in Binarizer(threshold: Double(try reader.float("threshold", default: 0))) }

  let name = "Binarizer"
  let threshold: Double

  func infer(_ node: NodeFacts) throws -> [TensorFact] {
    let x = try node.input(0)
    return [TensorFact(x.datatype, x.dimensions, rows: x.rows)]
  }

  func evaluate(_ node: EvaluationRequest) throws -> [Value?] {
    try node.requireNumber(0)
    let x = try node.input(0)
    return [try node.tensor(x.datatype, x.shape, integers: x.doubles().map { $0 > threshold ? 1 : 0 })]
  }
}

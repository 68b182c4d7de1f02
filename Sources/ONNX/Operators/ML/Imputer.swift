import Tensors

/// The operator Imputer of ai.onnx.ml: puts values where others are missing.
struct Imputer: Evaluation {
  static let description = OperatorDescription(
    "Imputer", domain: "ai.onnx.ml", inputs: 1...1, support: "FP32, FP64, INT32, INT64"
  ) { reader in
    Imputer(
      floats: try reader.floats("imputed_value_floats"), integers: try reader.ints("imputed_value_int64s"),
      missingFloat: try reader.float("replaced_value_float", default: 0),
      missingInteger: try reader.int("replaced_value_int64", default: 0))
  }

  let name = "Imputer"
  let floats: [Float]?
  let integers: [Int]?
  let missingFloat: Float
  let missingInteger: Int

  func infer(_ node: NodeFacts) throws -> [TensorFact] {
    let x = try node.input(0)
    return [TensorFact(x.datatype, x.dimensions, rows: x.rows)]
  }

  func evaluate(_ node: EvaluationRequest) throws -> [Value?] {
    try node.require(0, [.fp32, .fp64, .int32, .int64])
    let x = try node.input(0)
    let width = x.shape.last ?? 1
    let count = x.isFloat ? floats?.count : integers?.count
    guard let count, count == 1 || count == width else {
      throw ONNXError(.invalid, "\(count ?? 0) values for \(width) features of \(x.datatype.name)")
    }
    if x.isFloat {
      let values = x.doubles().enumerated().map { index, value in
        let isMissing = missingFloat.isNaN ? value.isNaN : value == Double(missingFloat)
        return isMissing ? Double(floats?[count == 1 ? 0 : index % width] ?? 0) : value
      }
      return [try node.tensor(x.datatype, x.shape, values)]
    }
    let values = x.integers().enumerated().map { index, value in
      value == missingInteger ? integers?[count == 1 ? 0 : index % width] ?? 0 : value
    }
    return [try node.tensor(x.datatype, x.shape, integers: values)]
  }
}

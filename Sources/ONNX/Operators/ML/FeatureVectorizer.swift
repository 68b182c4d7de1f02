import Tensors

/// The operator FeatureVectorizer of ai.onnx.ml: the columns of several tensors side by side.
struct FeatureVectorizer: Evaluation {
  static let description = OperatorDescription(
    "FeatureVectorizer", domain: "ai.onnx.ml", inputs: 1...Int.max, support: "FP32, FP64, INT32, INT64"
  ) { reader in FeatureVectorizer(widths: try reader.ints("inputdimensions")) }

  let name = "FeatureVectorizer"
  let widths: [Int]?

  func evaluate(_ node: EvaluationRequest) throws -> [Value?] {
    let tensors = try node.inputs.indices.map { try node.input($0) }
    for index in tensors.indices { try node.requireNumber(index) }
    let rows = tensors[0].shape.rank > 1 ? tensors[0].shape[0] : 1
    let columns = tensors.map { rows == 0 ? 0 : $0.elementCount / rows }
    guard zip(tensors, columns).allSatisfy({ $0.elementCount == $1 * rows }),
      widths.map({ $0 == columns }) ?? true
    else { throw ONNXError(.invalid, "tensors of \(columns) columns, declared \(widths ?? [])") }
    let lists = tensors.map { $0.floats() }
    var values: [Float] = []
    for row in 0..<rows {
      for (list, width) in zip(lists, columns) { values += list[row * width..<(row + 1) * width] }
    }
    return [try node.tensor(.fp32, [rows, columns.reduce(0, +)], floats: values)]
  }
}

import Tensors

/// The ONNX operator Det: determinants of square matrices.
struct Det: Evaluation {
  static let description = OperatorDescription("Det", inputs: 1...1, support: "FP16, BF16, FP32, FP64") { _ in
    Det()
  }

  let name = "Det"

  func evaluate(_ node: EvaluationRequest) throws -> [Value?] {
    try node.requireFloat(0)
    let x = try node.input(0)
    guard x.shape.rank >= 2, x.shape[x.shape.rank - 1] == x.shape[x.shape.rank - 2] else {
      throw ONNXError(.invalid, "a tensor of shape \(x.shape); square matrices are expected")
    }
    let size = x.shape[x.shape.rank - 1]
    let values = x.doubles()
    let count = x.shape.count(0..<x.shape.rank - 2)
    let results = (0..<count).map { matrix in
      determinant(Array(values[matrix * size * size..<(matrix + 1) * size * size]), size)
    }
    return [try node.tensor(x.datatype, Shape(x.shape.dropLast(2)), results)]
  }

  /// By elimination, the greatest element of each column as the pivot.
  private func determinant(_ matrix: [Double], _ size: Int) -> Double {
    var (rows, result) = (matrix, 1.0)
    for column in 0..<size {
      let pivot =
        (column..<size).max { abs(rows[$0 * size + column]) < abs(rows[$1 * size + column]) } ?? column
      if rows[pivot * size + column] == 0 { return 0 }
      if pivot != column {
        for index in 0..<size { rows.swapAt(pivot * size + index, column * size + index) }
        result = -result
      }
      result *= rows[column * size + column]
      for row in column + 1..<max(size, column + 1) {
        let factor = rows[row * size + column] / rows[column * size + column]
        for index in column..<size { rows[row * size + index] -= factor * rows[column * size + index] }
      }
    }
    return result
  }
}

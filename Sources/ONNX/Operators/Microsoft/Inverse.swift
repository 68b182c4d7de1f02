import Tensors

/// The operator Inverse of com.microsoft: the inverse of each matrix of a stack.
struct Inverse: Evaluation {
  static let description = OperatorDescription(
    "Inverse", domain: "com.microsoft", inputs: 1...1, support: UnaryFunction.floatSupport
  ) { _ in Inverse() }

  let name = "Inverse"

  func infer(_ node: NodeFacts) throws -> [TensorFact] {
    let x = try node.input(0)
    guard x.rank >= 2 else { throw ONNXError(.invalid, "a tensor of shape \(x.shapeText)") }
    var rows = x.rows
    if case .axis(let axis) = rows, axis >= x.rank - 2 { rows = .mixed }
    return [TensorFact(x.datatype, x.dimensions, rows: rows)]
  }

  func evaluate(_ node: EvaluationRequest) throws -> [Value?] {
    try node.requireFloat(0)
    let x = try node.input(0)
    let n = x.shape[x.shape.rank - 1]
    guard x.shape[x.shape.rank - 2] == n else { throw ONNXError(.invalid, "matrices of shape \(x.shape)") }
    let values = x.doubles()
    var result: [Double] = []
    for start in stride(from: 0, to: values.count, by: max(n * n, 1)) {
      result += Self.inverse(Array(values[start..<start + n * n]), n)
    }
    return [try node.tensor(x.datatype, x.shape, result)]
  }

  /// By elimination with the greatest pivot of a column; a singular matrix gives infinities or NaN.
  private static func inverse(_ matrix: [Double], _ n: Int) -> [Double] {
    var (a, b) = (matrix, [Double](repeating: 0, count: n * n))
    for index in 0..<n { b[index * n + index] = 1 }
    for column in 0..<n {
      let pivot = (column..<n).max { abs(a[$0 * n + column]) < abs(a[$1 * n + column]) } ?? column
      for index in 0..<n {
        a.swapAt(column * n + index, pivot * n + index)
        b.swapAt(column * n + index, pivot * n + index)
      }
      let factor = 1 / a[column * n + column]
      for index in 0..<n {
        a[column * n + index] *= factor
        b[column * n + index] *= factor
      }
      for row in 0..<n where row != column {
        let share = a[row * n + column]
        if share == 0 { continue }
        for index in 0..<n {
          a[row * n + index] -= share * a[column * n + index]
          b[row * n + index] -= share * b[column * n + index]
        }
      }
    }
    return b
  }
}

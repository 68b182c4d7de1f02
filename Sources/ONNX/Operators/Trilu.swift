import Tensors

/// The ONNX operator Trilu: the upper or lower triangle of matrices, the rest zero.
struct Trilu: Evaluation {
  static let description = OperatorDescription("Trilu", inputs: 1...2, support: "all datatypes") { reader in
    Trilu(isUpper: try reader.flag("upper", default: true))
  }

  let name = "Trilu"
  let isUpper: Bool

  func infer(_ node: NodeFacts) throws -> [TensorFact] {
    let x = try node.input(0)
    var rows = node.optional(1).map { $0.rows == .shared } ?? true ? x.rows : node.rowsOfMixture
    if case .axis(let axis) = rows, axis >= x.rank - 2 { rows = .mixed }
    return [TensorFact(x.datatype, x.dimensions, rows: rows)]
  }

  func evaluate(_ node: EvaluationRequest) throws -> [Value?] {
    let x = try node.input(0)
    guard x.shape.rank >= 2 else {
      throw ONNXError(.invalid, "a tensor of shape \(x.shape); matrices are expected")
    }
    let diagonal = try node.integer(1) ?? 0
    let (rows, columns) = (x.shape[x.shape.rank - 2], x.shape[x.shape.rank - 1])
    let places = (0..<x.elementCount).map { place -> Int in
      let (row, column) = (place / columns % max(rows, 1), place % columns)
      let (edge, overflow) = row.addingReportingOverflow(diagonal)
      let isKept = overflow ? (diagonal < 0) == isUpper : isUpper ? column >= edge : column <= edge
      return isKept ? place : -1
    }
    return [try node.selection(of: x, at: places, shape: x.shape)]
  }
}

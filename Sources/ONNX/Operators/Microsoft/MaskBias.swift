import Tensors

/// What a mask of the attention operators of com.microsoft adds to the scores [batch, heads, queries, keys].
///
/// Inputs: queries [batch, sequence, heads, size], keys, and the mask: lengths [batch], ends and beginnings
/// [2 · batch], or 0 for what is hidden: [batch, keys], [batch, queries, keys], [batch, 1, most, most].
struct MaskBias: Evaluation {
  static let description = OperatorDescription(
    "MaskBias", domain: ExpansionWriter.ownDomain, inputs: 3...3, support: "INT32, INT64, BOOL"
  ) { reader in
    MaskBias(
      filter: try reader.float("filter", default: -10_000),
      keysAxis: try reader.flag("keys_heads_first", default: false) ? 2 : 1)
  }

  let name = "MaskBias"
  let filter: Float
  let keysAxis: Int

  func infer(_ node: NodeFacts) throws -> [TensorFact] {
    let (q, k, mask) = (try node.input(0), try node.input(1), try node.input(2))
    guard q.rank == 4, k.rank == 4, (1...4).contains(mask.rank) else {
      throw ONNXError(.unsupported, "a mask of shape \(mask.shapeText)")
    }
    let rows = mask.rank < 3 ? .one : q.dimensions[1]
    let isByRow = mask.rows == .axis(0) && mask.dimensions[0] == q.dimensions[0]
    return [
      TensorFact(
        q.datatype, [q.dimensions[0], .one, rows, k.dimensions[keysAxis]],
        rows: isByRow ? .axis(0) : node.rowsOfMixture)
    ]
  }

  func evaluate(_ node: EvaluationRequest) throws -> [Value?] {
    try node.require(2, [.int32, .int64, .bool])
    let (q, k, mask) = (try node.input(0), try node.input(1), try node.input(2))
    let (batch, keys) = (q.shape[0], k.shape[keysAxis])
    let queries = mask.shape.rank < 3 ? 1 : q.shape[1]
    let values = mask.integers()
    let isVisible = try rule(mask.shape, values, batch: batch, queries: queries, keys: keys)
    let result = try Tensor.make(.fp32, [batch, 1, queries, keys], node.engine.limits)
    let target = result.elements(as: Float.self)
    for row in 0..<batch {
      for query in 0..<queries {
        let start = (row * queries + query) * keys
        for key in 0..<keys { target[start + key] = isVisible(row, query, key) ? 0 : filter }
      }
    }
    if q.datatype == .fp32 { return [.tensor(result)] }
    return [try node.tensor(q.datatype, result.shape, result.doubles())]
  }

  private func rule(_ shape: Shape, _ values: [Int], batch: Int, queries: Int, keys: Int) throws
    -> (_ row: Int, _ query: Int, _ key: Int) -> Bool
  {
    switch shape.rank {
    case 1 where shape[0] == batch: return { row, _, key in key < values[row] }
    case 1 where shape[0] == 2 * batch:
      return { row, _, key in key < values[row] && key >= values[batch + row] }
    case 2 where shape[0] == batch && shape[1] == keys: return { row, _, key in values[row * keys + key] > 0 }
    case 3 where shape[0] == batch && shape[1] == queries && shape[2] == keys:
      return { row, query, key in values[(row * queries + query) * keys + key] > 0 }
    case 4 where shape[0] == batch && shape[1] == 1 && shape[2] >= keys && shape[3] >= keys:
      let past = keys - queries
      guard past >= 0 else { break }
      return { row, query, key in values[(row * shape[2] + past + query) * shape[3] + key] > 0 }
    default: break
    }
    throw ONNXError(
      .argument, "a mask of shape \(shape) for \(batch) rows of \(queries) queries and \(keys) keys")
  }
}

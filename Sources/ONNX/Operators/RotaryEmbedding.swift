import Tensors

/// The ONNX operator RotaryEmbedding: pairs of each head's elements turned by angles of their position.
struct RotaryEmbedding: Evaluation {
  static let description = OperatorDescription(
    "RotaryEmbedding", inputs: 3...4, support: "FP16, BF16, FP32; whole or partial, in halves or interleaved"
  ) { reader in
    RotaryEmbedding(
      headCount: try reader.int("num_heads"), width: try reader.int("rotary_embedding_dim", default: 0),
      isInterleaved: try reader.flag("interleaved", default: false))
  }

  let name = "RotaryEmbedding"
  let headCount: Int?
  let width: Int
  let isInterleaved: Bool

  func infer(_ node: NodeFacts) throws -> [TensorFact] {
    let x = try node.input(0)
    return [TensorFact(x.datatype, x.dimensions, rows: node.rowsOfMixture)]
  }

  func evaluate(_ node: EvaluationRequest) throws -> [Value?] {
    try node.requireFloat(0)
    let x = try node.input(0)
    var heads = try AttentionHeads(x, heads: headCount)
    let width = width == 0 ? heads.size : width
    let (cosines, sines) = (try node.input(1), try node.input(2))
    guard width > 0, width <= heads.size, width % 2 == 0, cosines.shape == sines.shape,
      cosines.shape.last == width / 2
    else {
      throw ONNXError(.invalid, "angles of shape \(cosines.shape) for \(width) of \(heads.size) elements")
    }
    let positions = try positions(node, heads, rows: cosines.elementCount / (width / 2))
    let (cos, sin) = (cosines.doubles(), sines.doubles())
    let half = width / 2
    for batch in 0..<heads.batch {
      for head in 0..<heads.heads {
        for place in 0..<heads.length {
          let start = ((batch * heads.heads + head) * heads.length + place) * heads.size
          let angles = positions[batch * heads.length + place] * half
          for pair in 0..<half {
            let first = start + (isInterleaved ? 2 * pair : pair)
            let second = start + (isInterleaved ? 2 * pair + 1 : pair + half)
            let (a, b) = (heads.values[first], heads.values[second])
            heads.values[first] = cos[angles + pair] * a - sin[angles + pair] * b
            heads.values[second] = sin[angles + pair] * a + cos[angles + pair] * b
          }
        }
      }
    }
    return [try node.tensor(x.datatype, x.shape, x.shape.rank == 3 ? heads.packed : heads.values)]
  }

  /// The row of angles of each place of each sequence.
  private func positions(_ node: EvaluationRequest, _ heads: AttentionHeads, rows: Int) throws -> [Int] {
    let count = heads.batch * heads.length
    guard node.has(3) else {
      guard rows == count else { throw ONNXError(.invalid, "\(rows) rows of angles for \(count) places") }
      return Array(0..<count)
    }
    let given = try node.indices(3).integers()
    guard given.count == count else {
      throw ONNXError(.invalid, "\(given.count) positions for \(count) places")
    }
    return try given.map { try GatherIndex.place($0, rows) }
  }
}

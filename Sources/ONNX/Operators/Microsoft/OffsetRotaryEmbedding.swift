import Tensors

/// The operator RotaryEmbedding of com.microsoft: its positions come before the angles, and may be one number
/// that the first place has.
struct OffsetRotaryEmbedding: Evaluation {
  static let description = OperatorDescription(
    "RotaryEmbedding", domain: "com.microsoft", inputs: 4...4,
    support: "FP16, BF16, FP32; whole or partial, in halves or interleaved"
  ) { reader in
    guard try !reader.flag("is_packed_batching", default: false), try reader.float("scale", default: 1) == 1
    else { throw ONNXError(.unsupported, "is_packed_batching, or a scale") }
    let heads = try reader.int("num_heads", default: 0)
    return OffsetRotaryEmbedding(
      heads: heads, width: try reader.int("rotary_embedding_dim", default: 0),
      isInterleaved: try reader.flag("interleaved", default: false))
  }

  let name = "RotaryEmbedding"
  let heads: Int
  let width: Int
  let isInterleaved: Bool

  func infer(_ node: NodeFacts) throws -> [TensorFact] {
    let (x, positions) = (try node.input(0), try node.input(1))
    let isByRow =
      x.rows == .axis(0) && [2, 3].allSatisfy { node.optional($0)?.rows == .shared }
      && (positions.rows == .shared && positions.rank < 2
        || positions.rows == .axis(0) && positions.rank == 2)
    return [TensorFact(x.datatype, x.dimensions, rows: isByRow ? .axis(0) : node.rowsOfMixture)]
  }

  func evaluate(_ node: EvaluationRequest) throws -> [Value?] {
    let x = try node.input(0)
    let angles = try node.input(2).shape
    guard angles.rank == 2, angles[1] > 0, x.shape.rank == 3 || x.shape.rank == 4 else {
      throw ONNXError(.invalid, "x of shape \(x.shape), cos_cache of shape \(angles)")
    }
    // A head's size follows from the angles where neither the rank nor num_heads tells.
    let heads = self.heads > 0 ? self.heads : x.shape.rank == 3 ? x.shape[2] / (2 * angles[1]) : nil
    let (batch, length) = (x.shape[0], x.shape.rank == 3 ? x.shape[1] : x.shape[2])
    var positions = try node.input(1).integers()
    if positions.count == 1, batch * length != 1 {
      positions = (0..<batch * length).map { positions[0] + $0 % length }
    }
    let list = try node.tensor(.int64, [batch, length], integers: positions)
    let base = RotaryEmbedding(
      headCount: heads, width: width > 0 ? width : 2 * angles[1], isInterleaved: isInterleaved)
    return try base.evaluate(
      EvaluationRequest(
        inputs: [.tensor(x), node.inputs[2], node.inputs[3], list], wanted: [true], engine: node.engine))
  }
}

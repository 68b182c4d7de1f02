import Kernels
import Tensors

/// Attention of queries [batch, sequence, heads, size] on keys and values that lie so or with the heads
/// first: what the attention operators of com.microsoft come down to.
struct HeadAttention: Operation {
  static let description = OperatorDescription(
    "HeadAttention", domain: ExpansionWriter.ownDomain, inputs: 3...4, support: "FP16, BF16, FP32"
  ) { reader in
    HeadAttention(
      scale: try reader.float("scale", default: 0),
      keys: try reader.flag("keys_heads_first", default: false) ? .headsFirst : .sequenceFirst,
      isCausal: try reader.flag("causal", default: false))
  }

  let name = "HeadAttention"
  /// 0 stands for 1 / √size.
  let scale: Float
  let keys: AttentionLayout
  let isCausal: Bool

  var computesInFloat: Bool { true }

  func infer(_ node: NodeFacts) throws -> [TensorFact] {
    try node.require(0, .fp32)
    let (q, k, v) = (try node.input(0), try node.input(1), try node.input(2))
    guard q.rank == 4, k.rank == 4, v.rank == 4 else {
      throw ONNXError(.invalid, "queries, keys and values of \(q.rank), \(k.rank) and \(v.rank) dimensions")
    }
    let isByRow = [q, k, v].allSatisfy { $0.rows == .axis(0) } && isByRow(node.optional(3))
    return [
      TensorFact(
        .fp32, [q.dimensions[0], q.dimensions[1], q.dimensions[2], v.dimensions[3]],
        rows: isByRow ? .axis(0) : node.rowsOfMixture)
    ]
  }

  private func isByRow(_ mask: TensorFact?) -> Bool {
    guard let mask else { return true }
    if mask.rows == .shared { return mask.rank < 4 || mask.dimensions[0].isOne }
    return mask.rank == 4 && mask.rows == .axis(0)
  }

  func step(_ node: StepRequest) throws -> Step {
    let (q, k) = (try node.input(0).shape, try node.input(1).shape)
    guard q.rank == 4, k.rank == 4 else { throw ONNXError(.invalid, "operands of other ranks than 4") }
    let length = keys == .headsFirst ? k[2] : k[1]
    let factor = scale != 0 ? scale : 1 / Float(max(q[3], 1)).squareRoot()
    return try FusedAttention(
      scale: factor, query: .sequenceFirst, key: keys, value: keys, output: .sequenceFirst,
      causalOffset: isCausal ? length - q[1] : nil
    ).step(node)
  }
}

/// The heads of a projection as an axis: [batch, sequence, heads · size] to [batch, sequence, heads, size].
struct SplitHeads: Operation {
  static let description = OperatorDescription(
    "SplitHeads", domain: ExpansionWriter.ownDomain, inputs: 1...1, support: "all datatypes"
  ) { reader in
    let heads = try reader.int("heads", default: 0)
    guard heads > 0 else { throw ONNXError(.invalid, "\(heads) heads") }
    return SplitHeads(heads: heads)
  }

  let name = "SplitHeads"
  let heads: Int

  func infer(_ node: NodeFacts) throws -> [TensorFact] {
    let x = try node.input(0)
    guard x.rank == 3, let size = x.dimensions[2].divided(by: Dimension(heads)) else {
      throw ONNXError(
        .unsupported, "\(heads) heads of a tensor of shape \(x.shapeText), expected [batch, sequence, size]")
    }
    return [ReshapeRule.fact(x, [x.dimensions[0], x.dimensions[1], Dimension(heads), size])]
  }

  func step(_ node: StepRequest) throws -> Step { try .view(node) }
}

/// A matrix transposed, or each of a stack of them.
struct MatrixTranspose: Operation {
  static let description = OperatorDescription(
    "MatrixTranspose", domain: ExpansionWriter.ownDomain, inputs: 1...1, support: "all datatypes"
  ) { _ in MatrixTranspose() }

  let name = "MatrixTranspose"

  private func transpose(rank: Int) -> Transpose {
    Transpose(permutation: rank < 2 ? [Int](0..<rank) : [Int](0..<rank - 2) + [rank - 1, rank - 2])
  }

  func infer(_ node: NodeFacts) throws -> [TensorFact] {
    try transpose(rank: try node.input(0).rank).infer(node)
  }

  func step(_ node: StepRequest) throws -> Step {
    try transpose(rank: try node.input(0).shape.rank).step(node)
  }
}

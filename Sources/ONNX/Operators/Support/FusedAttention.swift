import Kernels
import Tensors

/// Scaled dot-product attention in one step: softmax(scale · Q · Kᵀ + mask) · V, what fusion makes of the
/// products, the softmax and the transpositions that models spell it with.
///
/// Inputs: queries, keys, values and, if there is one, a mask that is added.
struct FusedAttention: Operation {
  let name = "FusedAttention"
  let scale: Float
  /// How each operand lies: [batch, heads, sequence, size] or [batch, sequence, heads, size].
  let query: AttentionLayout
  let key: AttentionLayout
  let value: AttentionLayout
  var output: AttentionLayout
  /// Query i sees keys 0 … i + this only; nil: all.
  var causalOffset: Int?

  /// Batch, heads, sequence and size of an operand.
  private static func order<Element>(_ x: [Element], _ layout: AttentionLayout) -> [Element] {
    layout == .headsFirst ? x : [x[0], x[2], x[1], x[3]]
  }

  func infer(_ node: NodeFacts) throws -> [TensorFact] {
    let (q, k, v) = (try node.input(0), try node.input(1), try node.input(2))
    try node.require(0, .fp32)
    guard q.rank == 4, k.rank == 4, v.rank == 4 else {
      throw ONNXError(.invalid, "operands of other ranks than 4")
    }
    let rows = Self.order(q.dimensions, query)
    let columns = Self.order(v.dimensions, value)
    let result = Self.order([rows[0], rows[1], rows[2], columns[3]], output)
    return [TensorFact(.fp32, result, rows: .mixed)]
  }

  func step(_ node: StepRequest) throws -> Step {
    let (q, k, v, y) = (try node.input(0), try node.input(1), try node.input(2), try node.output())
    let shape = try shape(q.shape, k.shape, v.shape)
    let mask = try node.optional(3).map { try (operand: $0, strides: strides($0.shape, shape)) }
    if y.count == 0 { return Step { _ in } }
    let scratch = node.kernels.attentionScratchByteCount(shape, team: node.team)
    let products = Double(shape.batch * shape.heads) * Double(shape.queries) * Double(shape.keys)
    let arithmetic = 2 * products * Double(shape.headSize + shape.valueSize)
    return Step(scratchBytes: scratch, arithmetic: arithmetic) { memory in
      let bias = mask.map { mask in
        Kernels.AttentionMask(
          .additive(memory.floats(mask.operand)), batchStride: mask.strides[0], headStride: mask.strides[1],
          queryStride: mask.strides[2], keyStride: mask.strides[3])
      }
      memory.kernels.attention(
        shape, query: memory.floats(q), key: memory.floats(k), value: memory.floats(v), mask: bias,
        output: memory.floats(y), scratch: memory.scratch, team: memory.team)
    }
  }

  private func shape(_ q: Shape, _ k: Shape, _ v: Shape) throws -> AttentionShape {
    let (q, k, v) = (
      Self.order(Array(q), query), Self.order(Array(k), key), Self.order(Array(v), value)
    )
    guard q[0] == k[0], q[0] == v[0], q[1] == k[1], q[1] == v[1], q[3] == k[3], k[2] == v[2] else {
      throw ONNXError(.invalid, "queries \(q), keys \(k) and values \(v) that do not meet")
    }
    var shape = AttentionShape(
      batch: q[0], heads: q[1], queries: q[2], keys: k[2], headSize: q[3], valueSize: v[3])
    shape.scale = scale
    shape.causalOffset = causalOffset
    shape.query = Self.strides(query, heads: q[1], rows: q[2], size: q[3])
    shape.key = Self.strides(key, heads: q[1], rows: k[2], size: k[3])
    shape.value = Self.strides(value, heads: q[1], rows: v[2], size: v[3])
    shape.output = Self.strides(output, heads: q[1], rows: q[2], size: v[3])
    return shape
  }

  private static func strides(_ layout: AttentionLayout, heads: Int, rows: Int, size: Int) -> AttentionStrides
  {
    switch layout {
    case .headsFirst: AttentionStrides(batch: heads * rows * size, head: rows * size, row: size)
    case .sequenceFirst: AttentionStrides(batch: rows * heads * size, head: size, row: heads * size)
    }
  }

  /// Elements of the mask from one batch entry, head, query and key to the next.
  private func strides(_ mask: Shape, _ shape: AttentionShape) throws -> [Int] {
    let scores: Shape = [shape.batch, shape.heads, shape.queries, shape.keys]
    guard mask.rank <= 4, mask.broadcast(with: scores) == scores else {
      throw ONNXError(.invalid, "a mask of shape \(mask) for scores of shape \(scores)")
    }
    return Array(BroadcastIndex.strides(mask, to: scores))
  }
}

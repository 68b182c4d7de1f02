import Glibc
import Tensors

/// The ONNX operator LinearAttention: a state for each head that every token updates and reads.
struct LinearAttention: Evaluation {
  static let description = OperatorDescription(
    "LinearAttention", inputs: 3...6, outputs: 1...2, support: "FP16, BF16, FP32; all update rules"
  ) { reader in
    LinearAttention(
      queryHeads: try reader.required("q_num_heads", try reader.int("q_num_heads")),
      keyHeads: try reader.required("kv_num_heads", try reader.int("kv_num_heads")),
      rule: try reader.word("update_rule", "gated_delta", "linear", "gated", "delta"),
      scale: Double(try reader.float("scale", default: 0)))
  }

  let name = "LinearAttention"
  let queryHeads: Int
  let keyHeads: Int
  let rule: String
  let scale: Double

  func evaluate(_ node: EvaluationRequest) throws -> [Value?] {
    try node.requireFloat(0)
    let q = try AttentionHeads(try node.input(0), heads: queryHeads)
    let k = try AttentionHeads(try node.input(1), heads: keyHeads)
    let v = try AttentionHeads(try node.input(2), heads: keyHeads)
    guard q.heads % k.heads == 0, q.size == k.size, q.length == k.length, q.length == v.length,
      q.batch == k.batch
    else { throw ONNXError(.invalid, "queries, keys and values of shapes that do not meet") }
    let (isGated, isDelta) = (rule.hasPrefix("gated"), rule.hasSuffix("delta"))
    let decay = isGated ? try gate(node, 4, q, [k.heads, k.heads * k.size]) : nil
    let rate = isDelta ? try gate(node, 5, q, [k.heads, 1]) : nil
    let shape: Shape = [q.batch, k.heads, k.size, v.size]
    var state = try node.optional(3)?.doubles() ?? [Double](repeating: 0, count: try node.count(shape))
    guard try node.optional(3)?.shape ?? shape == shape else {
      throw ONNXError(.invalid, "a state of another shape")
    }
    var result = AttentionHeads(
      values: [Double](repeating: 0, count: q.batch * q.heads * q.length * v.size), batch: q.batch,
      heads: q.heads,
      length: q.length, size: v.size)
    let factor = scale == 0 ? 1 / Double(q.size).squareRoot() : scale
    for batch in 0..<q.batch {
      for time in 0..<q.length {
        for head in 0..<k.heads {
          let place = batch * k.heads + head
          func entry(_ list: (values: [Double], width: Int), _ index: Int) -> Double {
            let column = list.width == 1 ? 0 : list.width == k.heads ? head : head * k.size + index
            return list.values[(batch * q.length + time) * list.width + column]
          }
          let first = place * k.size * v.size
          let keys = (place * k.length + time) * k.size
          if let decay {
            for row in 0..<k.size {
              let kept = exp(entry(decay, row))
              for column in 0..<v.size { state[first + row * v.size + column] *= kept }
            }
          }
          for column in 0..<v.size {
            var value = v.values[(place * v.length + time) * v.size + column]
            if let rate {
              var held = 0.0
              for row in 0..<k.size { held += state[first + row * v.size + column] * k.values[keys + row] }
              value = entry(rate, 0) * (value - held)
            }
            for row in 0..<k.size { state[first + row * v.size + column] += k.values[keys + row] * value }
          }
        }
        for head in 0..<q.heads {
          let first = (batch * k.heads + head / (q.heads / k.heads)) * k.size * v.size
          let place = (batch * q.heads + head) * q.length + time
          for column in 0..<v.size {
            var sum = 0.0
            for row in 0..<q.size {
              sum += q.values[place * q.size + row] * state[first + row * v.size + column]
            }
            result.values[place * v.size + column] = sum * factor
          }
        }
      }
    }
    let datatype = try node.input(0).datatype
    return [
      try node.tensor(datatype, [q.batch, q.length, q.heads * v.size], result.packed),
      try node.tensor(try node.optional(3)?.datatype ?? datatype, shape, state),
    ]
  }

  /// The values of a gate, [batch, length, width].
  private func gate(
    _ node: EvaluationRequest, _ index: Int, _ q: AttentionHeads, _ widths: [Int]
  ) throws -> (values: [Double], width: Int) {
    let tensor = try node.input(index)
    guard tensor.shape.rank == 3, widths.contains(tensor.shape[2]), tensor.shape[0] == q.batch,
      tensor.shape[1] == q.length
    else { throw ONNXError(.invalid, "input \(index) has shape \(tensor.shape)") }
    return (tensor.doubles(), tensor.shape[2])
  }
}

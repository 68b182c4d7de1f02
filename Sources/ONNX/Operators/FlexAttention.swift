import Glibc
import Tensors

/// The ONNX operator FlexAttention of ai.onnx.preview: attention whose scores and probabilities pass
/// through graphs of the model.
struct FlexAttention: Evaluation, SubgraphHolder {
  static let description = OperatorDescription(
    "FlexAttention", domain: "ai.onnx.preview", inputs: 3...3, support: "FP16, BF16, FP32, FP64"
  ) { reader in
    FlexAttention(
      score: reader.has("score_mod") ? try reader.subgraph("score_mod") : nil,
      probability: reader.has("prob_mod") ? try reader.subgraph("prob_mod") : nil,
      scale: reader.has("scale") ? Double(try reader.float("scale", default: 1)) : nil,
      precision: try reader.int("softmax_precision").flatMap { ElementType.datatype($0) })
  }

  let name = "FlexAttention"
  var score: Subgraph?
  var probability: Subgraph?
  let scale: Double?
  let precision: Datatype?

  func prepared(_ inputs: [TensorFact?], _ engine: Engine) throws -> any Operation {
    var result = self
    result.score = try score?.prepared(inputs, engine)
    result.probability = try probability?.prepared(inputs, engine)
    return result
  }

  func evaluate(_ node: EvaluationRequest) throws -> [Value?] {
    try node.requireFloat(0)
    let (q, k, v) = (
      try AttentionHeads(try node.input(0), heads: nil), try AttentionHeads(try node.input(1), heads: nil),
      try AttentionHeads(try node.input(2), heads: nil)
    )
    guard k.heads > 0, q.heads % k.heads == 0, k.heads == v.heads, k.size == q.size, k.length == v.length
    else {
      throw ONNXError(.invalid, "queries, keys and values of shapes that do not meet")
    }
    let datatype = try node.input(0).datatype
    let shape: Shape = [q.batch, q.heads, q.length, k.length]
    let inner = precision ?? (datatype == .fp64 ? .fp64 : .fp32)
    var scores = try passed(node, score, scores(q, k), shape, inner)
    for row in 0..<q.batch * q.heads * q.length {
      let line = scores[row * k.length..<(row + 1) * k.length]
      let greatest = line.max() ?? 0
      let powers = line.map { greatest == -.infinity ? 0 : exp($0 - greatest) }
      let sum = powers.reduce(0, +)
      scores.replaceSubrange(
        row * k.length..<(row + 1) * k.length, with: powers.map { sum == 0 ? 0 : $0 / sum })
    }
    let chances = try passed(node, probability, scores, shape, inner)
    return [try node.tensor(datatype, [q.batch, q.heads, q.length, v.size], output(q, v, chances))]
  }

  private func scores(_ q: AttentionHeads, _ k: AttentionHeads) -> [Double] {
    let factor = scale ?? 1 / Double(q.size).squareRoot()
    var scores: [Double] = []
    for head in 0..<q.batch * q.heads {
      let shared = head / q.heads * k.heads + head % q.heads / (q.heads / k.heads)
      for row in 0..<q.length {
        for column in 0..<k.length {
          var sum = 0.0
          for index in 0..<q.size {
            sum +=
              q.values[(head * q.length + row) * q.size + index]
              * k.values[(shared * k.length + column) * k.size + index]
          }
          scores.append(sum * factor)
        }
      }
    }
    return scores
  }

  private func output(_ q: AttentionHeads, _ v: AttentionHeads, _ chances: [Double]) -> [Double] {
    var output = [Double](repeating: 0, count: q.batch * q.heads * q.length * v.size)
    for head in 0..<q.batch * q.heads {
      let shared = head / q.heads * v.heads + head % q.heads / (q.heads / v.heads)
      for row in 0..<q.length {
        let place = head * q.length + row
        for column in 0..<v.length {
          for index in 0..<v.size {
            output[place * v.size + index] +=
              chances[place * v.length + column] * v.values[(shared * v.length + column) * v.size + index]
          }
        }
      }
    }
    return output
  }

  /// Values as a graph of the model gives them back.
  private func passed(
    _ node: EvaluationRequest, _ graph: Subgraph?, _ values: [Double], _ shape: Shape, _ datatype: Datatype
  ) throws -> [Double] {
    let tensor = try node.tensor(datatype, shape, values)
    guard let graph else { return try tensor.tensor("the scores").doubles() }
    guard let result = try graph.run([tensor], node: node).first ?? nil else {
      throw ONNXError(.invalid, "the graph gives nothing")
    }
    let given = try result.tensor("the graph's output")
    guard given.shape == shape else {
      throw ONNXError(.invalid, "the graph makes \(given.shape) of \(shape)")
    }
    return given.doubles()
  }
}

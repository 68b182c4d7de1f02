import Glibc
import Tensors

/// The ONNX operator Attention: scaled dot products of queries and keys, with masks, caches, windows and
/// shared heads.
struct Attention: Evaluation {
  static let description = OperatorDescription(
    "Attention", inputs: 3...7, outputs: 1...4, support: "FP16, BF16, FP32, FP64"
  ) { reader in
    let mode = try reader.int("qk_matmul_output_mode", default: 0)
    guard (0...3).contains(mode) else { throw ONNXError(.invalid, "qk_matmul_output_mode \(mode)") }
    return Attention(
      isCausal: try reader.flag("is_causal", default: false), queryHeads: try reader.int("q_num_heads"),
      keyHeads: try reader.int("kv_num_heads"),
      scale: reader.has("scale") ? Double(try reader.float("scale", default: 1)) : nil,
      softcap: Double(try reader.float("softcap", default: 0)), scoreMode: mode,
      leftWindow: try reader.int("left_window_size", default: -1),
      rightWindow: try reader.int("right_window_size", default: -1),
      precision: try reader.int("softmax_precision").flatMap { ElementType.datatype($0) })
  }

  let name = "Attention"
  let isCausal: Bool
  let queryHeads: Int?
  let keyHeads: Int?
  let scale: Double?
  let softcap: Double
  /// What the output of scores holds: 0 products, 1 capped ones, 2 with the mask, 3 probabilities.
  let scoreMode: Int
  let leftWindow: Int
  let rightWindow: Int
  /// What the softmax is rounded to, when the model says so.
  let precision: Datatype?

  func evaluate(_ node: EvaluationRequest) throws -> [Value?] {
    try node.requireFloat(0)
    let q = try AttentionHeads(try node.input(0), heads: queryHeads)
    var k = try AttentionHeads(try node.input(1), heads: keyHeads)
    var v = try AttentionHeads(try node.input(2), heads: keyHeads)
    let past = try node.optional(4)
    guard node.has(4) == node.has(5), !(node.has(6) && node.has(4)) else {
      throw ONNXError(.invalid, "past_key and past_value come together, and without nonpad_kv_seqlen")
    }
    if let past {
      k = try k.following(past)
      v = try v.following(try node.input(5))
    }
    guard k.heads > 0, q.heads % k.heads == 0, k.heads == v.heads, k.size == q.size, k.length == v.length,
      q.batch == k.batch, q.batch == v.batch
    else { throw ONNXError(.invalid, "queries, keys and values of shapes that do not meet") }
    let bounds = try node.has(6) ? node.integers(6) : nil
    guard bounds.map({ $0.count == q.batch }) ?? true else {
      throw ONNXError(.invalid, "lengths for another batch than \(q.batch)")
    }
    let mask = try AttentionMask(
      try node.optional(3), [q.batch, q.heads, q.length, k.length], isCausal: isCausal, left: leftWindow,
      right: rightWindow, past: past?.shape[2] ?? 0, lengths: bounds)
    let result = attend(q, k, v, mask)
    let datatype = try node.input(0).datatype
    let heads = AttentionHeads(
      values: result.output, batch: q.batch, heads: q.heads, length: q.length, size: v.size)
    let isPacked = try node.input(0).shape.rank == 3
    return [
      isPacked
        ? try node.tensor(datatype, [q.batch, q.length, q.heads * v.size], heads.packed)
        : try node.tensor(datatype, [q.batch, q.heads, q.length, v.size], heads.values),
      try node.tensor(try node.input(1).datatype, [k.batch, k.heads, k.length, k.size], k.values),
      try node.tensor(try node.input(2).datatype, [v.batch, v.heads, v.length, v.size], v.values),
      try node.tensor(datatype, [q.batch, q.heads, q.length, k.length], result.scores),
    ]
  }

  private func attend(
    _ q: AttentionHeads, _ k: AttentionHeads, _ v: AttentionHeads, _ mask: AttentionMask
  ) -> (output: [Double], scores: [Double]) {
    let factor = scale ?? 1 / Double(q.size).squareRoot()
    var output = [Double](repeating: 0, count: q.batch * q.heads * q.length * v.size)
    var scores = [Double](repeating: 0, count: q.batch * q.heads * q.length * k.length)
    for batch in 0..<q.batch {
      for head in 0..<q.heads {
        let shared = batch * k.heads + head / (q.heads / k.heads)
        for row in 0..<q.length {
          let place = (batch * q.heads + head) * q.length + row
          var line = (0..<k.length).map { column in
            var sum = 0.0
            for index in 0..<q.size {
              sum +=
                q.values[place * q.size + index] * k.values[(shared * k.length + column) * k.size + index]
            }
            return sum * factor
          }
          if scoreMode == 0 { scores.replaceSubrange(place * k.length..<(place + 1) * k.length, with: line) }
          if softcap > 0 { line = line.map { softcap * tanh($0 / softcap) } }
          if scoreMode == 1 { scores.replaceSubrange(place * k.length..<(place + 1) * k.length, with: line) }
          let biases = (0..<k.length).map { mask.bias(batch, head, row, $0) }
          for column in line.indices { line[column] += biases[column] }
          if scoreMode == 2 { scores.replaceSubrange(place * k.length..<(place + 1) * k.length, with: line) }
          let isMasked = biases.allSatisfy { $0 == -.infinity }
          let chances = isMasked ? [Double](repeating: 0, count: k.length) : probabilities(line)
          if scoreMode == 3 {
            scores.replaceSubrange(place * k.length..<(place + 1) * k.length, with: chances)
          }
          for column in 0..<k.length where chances[column] != 0 {
            for index in 0..<v.size {
              output[place * v.size + index] +=
                chances[column] * v.values[(shared * v.length + column) * v.size + index]
            }
          }
        }
      }
    }
    return (output, scores)
  }

  private func probabilities(_ line: [Double]) -> [Double] {
    let line = precision == .fp16 ? line.map { Double(FP16(Float($0)).float) } : line
    let greatest = line.max() ?? 0
    if greatest == -.infinity { return line.map { _ in 0 } }
    let powers = line.map { exp($0 - greatest) }
    let sum = powers.reduce(0, +)
    return powers.map { $0 / sum }
  }
}

/// Queries, keys or values as [batch, heads, length, size].
struct AttentionHeads {
  var values: [Double]
  let batch: Int
  let heads: Int
  var length: Int
  let size: Int

  init(values: [Double], batch: Int, heads: Int, length: Int, size: Int) {
    (self.values, self.batch, self.heads, self.length, self.size) = (values, batch, heads, length, size)
  }

  /// - Parameter heads: of a tensor [batch, length, heads · size]; of no meaning for one of four axes.
  init(_ x: Tensor, heads: Int?) throws {
    if x.shape.rank == 4 {
      self.init(
        values: x.doubles(), batch: x.shape[0], heads: x.shape[1], length: x.shape[2], size: x.shape[3])
      return
    }
    guard x.shape.rank == 3, let heads, heads > 0, x.shape[2] % heads == 0 else {
      throw ONNXError(.invalid, "a tensor of shape \(x.shape) in \(heads.map(String.init) ?? "no") heads")
    }
    let (batch, length, size) = (x.shape[0], x.shape[1], x.shape[2] / heads)
    let source = x.doubles()
    var values = source
    for row in 0..<batch {
      for place in 0..<length {
        for head in 0..<heads {
          for index in 0..<size {
            values[((row * heads + head) * length + place) * size + index] =
              source[((row * length + place) * heads + head) * size + index]
          }
        }
      }
    }
    self.init(values: values, batch: batch, heads: heads, length: length, size: size)
  }

  /// The values as [batch, length, heads · size].
  var packed: [Double] {
    var result = values
    for row in 0..<batch {
      for head in 0..<heads {
        for place in 0..<length {
          for index in 0..<size {
            result[((row * length + place) * heads + head) * size + index] =
              values[((row * heads + head) * length + place) * size + index]
          }
        }
      }
    }
    return result
  }

  /// The same behind those of a cache.
  func following(_ past: Tensor) throws -> AttentionHeads {
    guard past.shape.rank == 4, past.shape[0] == batch, past.shape[1] == heads, past.shape[3] == size else {
      throw ONNXError(.invalid, "a cache of shape \(past.shape) for \(batch) rows, \(heads) heads of \(size)")
    }
    let old = past.doubles()
    var result = self
    result.values = []
    for head in 0..<batch * heads {
      result.values += old[head * past.shape[2] * size..<(head + 1) * past.shape[2] * size]
      result.values += values[head * length * size..<(head + 1) * length * size]
    }
    result.length += past.shape[2]
    return result
  }
}

/// What is added to the score of a query and a key: 0 where they may meet, -∞ where not, or a bias.
struct AttentionMask {
  private let values: [Double]?
  private let isBool: Bool
  private let strides: [Int]
  private let columns: Int
  private let isCausal: Bool
  private let left: Int
  private let right: Int
  private let offsets: [Int]
  private let lengths: [Int]?

  init(
    _ mask: Tensor?, _ shape: [Int], isCausal: Bool, left: Int, right: Int, past: Int, lengths: [Int]?
  ) throws {
    (self.isCausal, self.left, self.right, self.lengths) = (isCausal, left, right, lengths)
    offsets = lengths.map { $0.map { $0 - shape[2] } } ?? Array(repeating: past, count: shape[0])
    isBool = mask?.datatype == .bool
    values = mask?.doubles()
    guard let own = mask?.shape else {
      (strides, columns) = ([], shape[3])
      return
    }
    // The last axis may end early: what lies behind it is masked.
    columns = own.rank == 0 ? 1 : own[own.rank - 1]
    guard own.rank <= 4, own.rank == 0 || columns <= shape[3] || columns == 1,
      (0..<max(own.rank - 1, 0)).allSatisfy({ own[$0] == 1 || own[$0] == shape[4 - own.rank + $0] })
    else { throw ONNXError(.invalid, "a mask of shape \(own) for scores of shape \(shape)") }
    let dense = own.strides
    strides = (0..<4).map { axis in
      let place = axis - (4 - own.rank)
      return place < 0 || own[place] == 1 && (axis < 3 || shape[3] == 1) ? 0 : dense[place]
    }
  }

  func bias(_ batch: Int, _ head: Int, _ row: Int, _ column: Int) -> Double {
    let distance = row + offsets[batch] - column
    if isCausal && distance < 0 || left >= 0 && distance > left || right >= 0 && -distance > right {
      return -.infinity
    }
    if let lengths, column >= lengths[batch] { return -.infinity }
    guard let values else { return 0 }
    if column >= columns { return -.infinity }
    let value = values[batch * strides[0] + head * strides[1] + row * strides[2] + column * strides[3]]
    return isBool ? (value != 0 ? 0 : -.infinity) : value
  }
}

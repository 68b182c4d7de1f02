import Kernels
import Tensors

/// The operator GroupQueryAttention of com.microsoft: causal attention whose queries share keys in groups, with
/// a cache and rotated positions, as exporters of language models write it.
struct GroupQueryAttention: Evaluation {
  static let description = OperatorDescription(
    "GroupQueryAttention", domain: "com.microsoft", inputs: 7...11, outputs: 1...3,
    support: "FP16, BF16, FP32; packed or not, rotary, local windows, softcap, a bias; no quantised cache"
  ) { reader in
    for name in ["k_quant_type", "v_quant_type"] {
      let word = try reader.string(name) ?? "NONE"
      if word != "NONE" { throw ONNXError(.unsupported, "\(name) '\(word)'") }
    }
    for name in ["smooth_softmax", "qk_output", "sliding_window_cache"] where reader.has(name) {
      if try reader.int(name, default: 0) > 0 { throw ONNXError(.unsupported, "\(name)") }
    }
    let (queryHeads, keyHeads) = (
      try reader.required("num_heads", try reader.int("num_heads")),
      try reader.required("kv_num_heads", try reader.int("kv_num_heads"))
    )
    guard keyHeads > 0, queryHeads > 0, queryHeads % keyHeads == 0 else {
      throw ONNXError(.invalid, "\(queryHeads) heads of queries for \(keyHeads) of keys")
    }
    return GroupQueryAttention(
      queryHeads: queryHeads, keyHeads: keyHeads, scale: try reader.float("scale", default: 0),
      softcap: try reader.float("softcap", default: 0),
      window: try reader.int("local_window_size", default: -1),
      isRotated: try reader.flag("do_rotary", default: false),
      isInterleaved: try reader.flag("rotary_interleaved", default: false))
  }

  let name = "GroupQueryAttention"
  let queryHeads: Int
  let keyHeads: Int
  let scale: Float
  let softcap: Float
  /// Keys that a query sees, itself included; below 1 all before it.
  let window: Int
  let isRotated: Bool
  let isInterleaved: Bool

  func infer(_ node: NodeFacts) throws -> [TensorFact] {
    let query = try node.input(0)
    guard query.rank == 3 else { throw ONNXError(.invalid, "queries of shape \(query.shapeText)") }
    let heads = node.optional(1) == nil ? queryHeads + 2 * keyHeads : queryHeads
    guard let size = query.dimensions[2].divided(by: Dimension(heads)) else {
      throw ONNXError(.invalid, "queries of shape \(query.shapeText) for \(heads) heads")
    }
    let width = Dimension(queryHeads).multiplied(by: size) ?? node.freshDimension()
    var length = node.freshDimension()
    // The sum of a batch's longest row, and where the cache is longer the cache's.
    if let total = try node.contents(6)?.first {
      length = total
      if let past = node.optional(3)?.dimensions[2].known, let known = total.known {
        length = Dimension(max(past, known))
      }
    }
    let cache = TensorFact(
      query.datatype, [query.dimensions[0], Dimension(keyHeads), length, size], rows: node.rowsOfMixture)
    let output = TensorFact(
      query.datatype, [query.dimensions[0], query.dimensions[1], width], rows: node.rowsOfMixture)
    return [output, cache, cache]
  }

  func evaluate(_ node: EvaluationRequest) throws -> [Value?] {
    if node.has(9) { throw ONNXError(.unsupported, "position_ids") }
    try node.require(0, [.fp16, .bf16, .fp32])
    let sizes = try GroupSizes(self, node)
    let room = try GroupRoom(sizes, self, node)
    for row in 0..<sizes.batch { try attend(row, sizes, room, node) }
    let datatype = try node.input(0).datatype
    let cache: Shape = [sizes.batch, keyHeads, sizes.capacity, sizes.size]
    return [
      try value(room.output, [sizes.batch, sizes.length, queryHeads * sizes.size], datatype, node),
      try value(room.keys, cache, datatype, node), try value(room.values, cache, datatype, node),
    ]
  }

  private func value(_ tensor: Tensor, _ shape: Shape, _ datatype: Datatype, _ node: EvaluationRequest) throws
    -> Value
  {
    if datatype == .fp32 { return .tensor(tensor.viewed(as: .fp32, shape)) }
    let result = try Tensor.make(datatype, shape, node.engine.limits)
    ElementConversion.convert(tensor.data, .fp32, result.data, datatype, count: tensor.elementCount)
    return .tensor(result)
  }

  /// The attention of one row of the batch, whose keys and values lie in the cache.
  private func attend(_ row: Int, _ sizes: GroupSizes, _ room: GroupRoom, _ node: EvaluationRequest) throws {
    let total = sizes.totals[row]
    var shape = AttentionShape(
      batch: 1, heads: queryHeads, keyHeads: keyHeads, queries: sizes.length, keys: total,
      headSize: sizes.size, layout: .sequenceFirst)
    if scale != 0 { shape.scale = scale }
    shape.causalOffset = total - sizes.length
    shape.key = AttentionStrides(
      batch: 0, head: sizes.capacity * sizes.size, row: sizes.size)
    shape.value = shape.key
    let bias = try bias(row, sizes, room, node)
    let rowSize = sizes.length * queryHeads * sizes.size
    let cacheSize = keyHeads * sizes.capacity * sizes.size
    let (query, output) = (
      room.queries.elements(as: Float.self).baseAddress, room.output.elements(as: Float.self).baseAddress
    )
    guard let query, let output, let keys = room.keys.elements(as: Float.self).baseAddress,
      let values = room.values.elements(as: Float.self).baseAddress
    else { return }
    if softcap > 0 {
      CappedAttention.run(
        shape, softcap: softcap, query: query + row * rowSize, key: keys + row * cacheSize,
        value: values + row * cacheSize, bias: bias, output: output + row * rowSize)
      return
    }
    let kernels = node.engine.kernels
    let bytes = kernels.attentionScratchByteCount(shape, team: node.engine.team)
    guard let scratch = TensorMemory(byteCount: bytes) else {
      throw ONNXError(.outOfMemory, "no memory for \(bytes) bytes of scratch")
    }
    func run(_ mask: Kernels.AttentionMask?) {
      kernels.attention(
        shape, query: query + row * rowSize, key: keys + row * cacheSize, value: values + row * cacheSize,
        mask: mask, output: output + row * rowSize, scratch: scratch.base, team: node.engine.team)
    }
    guard let bias else { return run(nil) }
    bias.withUnsafeBufferPointer { bias in
      guard let base = bias.baseAddress else { return }
      run(
        Kernels.AttentionMask(
          .additive(base), headStride: sizes.length * total, queryStride: total, keyStride: 1))
    }
  }

  /// What is added to the scores [heads, queries, keys]; nil for nothing.
  private func bias(_ row: Int, _ sizes: GroupSizes, _ room: GroupRoom, _ node: EvaluationRequest) throws
    -> [Float]?
  {
    let given = try node.optional(10)
    guard given != nil || window > 0 else { return nil }
    let total = sizes.totals[row]
    var bias = [Float](repeating: 0, count: try node.count([queryHeads, sizes.length, total]))
    if let given {
      guard given.shape.rank == 4, given.shape[3] >= total, given.shape[2] == sizes.length,
        [1, sizes.batch].contains(given.shape[0]), [1, queryHeads].contains(given.shape[1])
      else { throw ONNXError(.argument, "an attention_bias of shape \(given.shape)") }
      let numbers = given.doubles()
      let strides = given.shape.strides
      for head in 0..<queryHeads {
        for query in 0..<sizes.length {
          let start =
            (given.shape[0] == 1 ? 0 : row * strides[0]) + (given.shape[1] == 1 ? 0 : head * strides[1])
            + query * strides[2]
          for key in 0..<total {
            bias[(head * sizes.length + query) * total + key] = Float(numbers[start + key])
          }
        }
      }
    }
    if window > 0 {
      for line in 0..<queryHeads * sizes.length {
        let place = total - sizes.length + line % sizes.length
        for key in 0..<max(0, min(total, place - window + 1)) { bias[line * total + key] = -.infinity }
      }
    }
    return bias
  }
}

/// The sizes of one call.
struct GroupSizes {
  let batch: Int
  let length: Int
  let size: Int
  /// Places of the cache that is given, and of the one that is made.
  let past: Int
  let capacity: Int
  /// By row: keys, the new ones included.
  let totals: [Int]

  init(_ operation: GroupQueryAttention, _ node: EvaluationRequest) throws {
    let query = try node.input(0).shape
    let heads = node.has(1) ? operation.queryHeads : operation.queryHeads + 2 * operation.keyHeads
    guard query.rank == 3, query[2] % heads == 0, node.has(1) == node.has(2) else {
      throw ONNXError(.invalid, "queries of shape \(query) for \(heads) heads")
    }
    (batch, length, size) = (query[0], query[1], query[2] / heads)
    let cache: Shape = [query[0], operation.keyHeads, 0, query[2] / heads]
    let pastShape = try node.optional(3)?.shape ?? cache
    guard pastShape.rank == 4, pastShape[0] == batch, pastShape[1] == operation.keyHeads,
      pastShape[3] == size, try node.optional(4)?.shape ?? cache == pastShape || !node.has(4)
    else { throw ONNXError(.invalid, "a cache of shape \(pastShape)") }
    past = pastShape[2]
    guard let total = try node.integer(6) else { throw ONNXError(.invalid, "no total_sequence_length") }
    let longest = max(total, past)
    capacity = longest
    let lengths = try node.input(5).integers()
    let (rows, added, held) = (batch, length, past)
    guard lengths.count == rows,
      lengths.allSatisfy({ $0 + 1 >= added && $0 + 1 <= longest && $0 + 1 - added <= held })
    else {
      throw ONNXError(
        .argument, "seqlens_k \(lengths) for \(added) new keys, \(held) of the cache and \(longest) in all")
    }
    totals = lengths.map { $0 + 1 }
  }
}

/// Queries as they are attended with, and the caches with the new keys and values, all FP32.
struct GroupRoom {
  let queries: Tensor
  let keys: Tensor
  let values: Tensor
  let output: Tensor

  init(_ sizes: GroupSizes, _ operation: GroupQueryAttention, _ node: EvaluationRequest) throws {
    let limits = node.engine.limits
    let (queryHeads, keyHeads, size) = (operation.queryHeads, operation.keyHeads, sizes.size)
    queries = try .make(.fp32, [sizes.batch, sizes.length, queryHeads, size], limits)
    output = try .make(.fp32, queries.shape, limits)
    keys = try .make(.fp32, [sizes.batch, keyHeads, sizes.capacity, size], limits)
    values = try .make(.fp32, keys.shape, limits)
    for cache in [keys, values] { cache.elements(as: Float.self).update(repeating: 0) }
    let angles = operation.isRotated ? try RotaryAngles(node, size: size) : nil
    let isPacked = !node.has(1)
    let stride = isPacked ? (queryHeads + 2 * keyHeads) * size : 0
    let source = try Self.floats(node.input(0), limits)
    let newKeys = isPacked ? source : try Self.floats(node.input(1), limits)
    let newValues = isPacked ? source : try Self.floats(node.input(2), limits)
    let oldKeys = try node.optional(3).map { try Self.floats($0, limits) }
    let oldValues = try node.optional(4).map { try Self.floats($0, limits) }
    for row in 0..<sizes.batch {
      let kept = sizes.totals[row] - sizes.length
      for place in 0..<sizes.length {
        let line = row * sizes.length + place
        let from = line * (isPacked ? stride : queryHeads * size)
        for head in 0..<queryHeads {
          Self.copy(
            source, from + head * size, queries, (line * queryHeads + head) * size, size, angles,
            kept + place,
            operation.isInterleaved)
        }
        for head in 0..<keyHeads {
          let target = ((row * keyHeads + head) * sizes.capacity + kept + place) * size
          let key = isPacked ? from + (queryHeads + head) * size : (line * keyHeads + head) * size
          let value = isPacked ? from + (queryHeads + keyHeads + head) * size : key
          Self.copy(newKeys, key, keys, target, size, angles, kept + place, operation.isInterleaved)
          Self.copy(newValues, value, values, target, size, nil, 0, false)
        }
      }
      for head in 0..<keyHeads where kept > 0 {
        let (from, to) = (
          (row * keyHeads + head) * sizes.past * size, (row * keyHeads + head) * sizes.capacity * size
        )
        if let oldKeys { Self.copy(oldKeys, from, keys, to, kept * size, nil, 0, false) }
        if let oldValues { Self.copy(oldValues, from, values, to, kept * size, nil, 0, false) }
      }
    }
  }

  private static func floats(_ tensor: Tensor, _ limits: Limits) throws -> Tensor {
    if tensor.datatype == .fp32 { return tensor }
    let wide = try Tensor.make(.fp32, tensor.shape, limits)
    ElementConversion.convert(tensor.data, tensor.datatype, wide.data, .fp32, count: tensor.elementCount)
    return wide
  }

  private static func copy(
    _ source: Tensor, _ from: Int, _ target: Tensor, _ to: Int, _ count: Int, _ angles: RotaryAngles?,
    _ position: Int, _ isInterleaved: Bool
  ) {
    let values = source.elements(as: Float.self)
    let result = target.elements(as: Float.self)
    for index in 0..<count { result[to + index] = values[from + index] }
    angles?.turn(result, to, position, isInterleaved)
  }
}

/// Cosines and sines by position.
struct RotaryAngles {
  private let cosines: [Float]
  private let sines: [Float]
  private let half: Int

  init(_ node: EvaluationRequest, size: Int) throws {
    let (cos, sin) = (try node.input(7), try node.input(8))
    guard cos.shape.rank == 2, cos.shape == sin.shape, cos.shape[1] * 2 <= size else {
      throw ONNXError(.invalid, "cos_cache of shape \(cos.shape) for heads of \(size)")
    }
    half = cos.shape[1]
    cosines = cos.doubles().map { Float($0) }
    sines = sin.doubles().map { Float($0) }
    guard half > 0, try node.integer(6).map({ $0 <= cos.shape[0] }) ?? true else {
      throw ONNXError(.argument, "a position beyond the \(cos.shape[0]) of cos_cache")
    }
  }

  func turn(_ values: UnsafeMutableBufferPointer<Float>, _ start: Int, _ position: Int, _ isInterleaved: Bool)
  {
    for pair in 0..<half {
      let first = start + (isInterleaved ? 2 * pair : pair)
      let second = start + (isInterleaved ? 2 * pair + 1 : pair + half)
      let (cos, sin) = (cosines[position * half + pair], sines[position * half + pair])
      let (a, b) = (values[first], values[second])
      values[first] = cos * a - sin * b
      values[second] = sin * a + cos * b
    }
  }
}

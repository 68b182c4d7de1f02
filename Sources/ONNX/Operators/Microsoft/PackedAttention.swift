/// The operators Attention and QAttention of com.microsoft: the projection to queries, keys and values, and
/// the attention of them.
enum PackedAttention {
  static let expansion = OperatorExpansion(
    "Attention", inputs: 2...7, outputs: 1...2,
    support: "FP16, BF16, FP32; masks of all shapes, a cache; without do_rotary and shared caches"
  ) { writer in
    guard writer.optional(6) == nil else {
      throw ONNXError(.unsupported, "a cache that is shared with its successor (past_sequence_length)")
    }
    var projected: String = writer.add("MatMul", [try writer.input(0), try writer.input(1)])
    if let bias = writer.optional(2) { projected = writer.add("Add", [projected, bias]) }
    try attend(&writer, projected, mask: 3, past: 4, bias: 5)
  }

  static let quantizedExpansion = OperatorExpansion(
    "QAttention", inputs: 5...9, outputs: 1...2, support: "UINT8, INT8; as Attention"
  ) { writer in
    var projected = try IntegerProduct.add(
      &writer, a: try writer.input(0), b: try writer.input(1), aZero: writer.optional(6),
      bZero: writer.optional(7), aScale: try writer.input(3), bScale: try writer.input(4))
    projected = writer.add("Add", [projected, try writer.input(2)])
    try attend(&writer, projected, mask: 5, past: 8, bias: nil)
  }

  private static func attend(
    _ writer: inout ExpansionWriter, _ projected: String, mask: Int, past: Int, bias: Int?
  ) throws {
    guard try !writer.reader.flag("do_rotary", default: false),
      try !writer.reader.flag("past_present_share_buffer", default: false)
    else { throw ONNXError(.unsupported, "do_rotary or past_present_share_buffer") }
    let heads = try writer.reader.required("num_heads", try writer.reader.int("num_heads"))
    var sizes: String?
    if let given = try writer.reader.ints("qkv_hidden_sizes"), !given.isEmpty { sizes = writer.list(given) }
    var attributes: [String: Attribute] = ["axis": .int(-1)]
    if sizes == nil { attributes["num_outputs"] = .int(3) }
    let parts = writer.add("Split", [projected, sizes], attributes, outputs: 3)
    var cache: (key: String, value: String)?
    if let past = writer.optional(past) {
      // [2, batch, heads, past, size]
      let axis = writer.list([0])
      let halves = writer.add("Split", [past], ["axis": .int(0), "num_outputs": .int(2)], outputs: 2)
      cache = (writer.add("Squeeze", [halves[0], axis]), writer.add("Squeeze", [halves[1], axis]))
    }
    let attention = HeadAttentionWriter(
      heads: heads, mask: writer.optional(mask), bias: bias.flatMap { writer.optional($0) }, cache: cache,
      wantsCache: writer.wants(1))
    let result = try attention.add(&writer, q: parts[0], k: parts[1], v: parts[2])
    writer.give(0, result.output)
    if let present = result.cache {
      let axis = writer.list([0])
      let halves = [present.key, present.value].map { half -> String in
        writer.add("Unsqueeze", [half, axis])
      }
      writer.give(1, writer.add("Concat", halves, ["axis": .int(0)]))
    }
  }
}

/// The operator MultiHeadAttention of com.microsoft.
enum MultiHeadAttention {
  static let expansion = OperatorExpansion(
    "MultiHeadAttention", inputs: 1...8, outputs: 1...3,
    support:
      "FP16, BF16, FP32; keys and values apart or packed, masks of all shapes, caches; no shared caches"
  ) { writer in
    guard writer.optional(8) == nil else { throw ONNXError(.unsupported, "past_sequence_length") }
    let heads = try writer.reader.required("num_heads", try writer.reader.int("num_heads"))
    let (q, k, v) = try operands(&writer)
    var cache: (key: String, value: String)?
    if let key = writer.optional(6), let value = writer.optional(7) { cache = (key, value) }
    let attention = HeadAttentionWriter(
      heads: heads, mask: writer.optional(4), bias: writer.optional(5), cache: cache,
      wantsCache: writer.wants(1) || writer.wants(2))
    let result = try attention.add(&writer, q: q, k: k, v: v)
    writer.give(0, result.output)
    if let present = result.cache {
      writer.give(1, present.key)
      writer.give(2, present.value)
    }
  }

  /// Queries, keys and values as [batch, sequence, heads · size], with their biases.
  private static func operands(_ writer: inout ExpansionWriter) throws -> (String, String, String) {
    let query = try writer.input(0)
    var parts: [String]
    if let key = writer.optional(1), let value = writer.optional(2) {
      parts = [query, key, value]
    } else if let packed = writer.optional(1) {
      // [batch, sequence, heads, 2, size]
      parts = [query] + split(&writer, packed, count: 2)
    } else {
      // [batch, sequence, heads, 3, size]
      parts = split(&writer, query, count: 3)
    }
    guard let bias = writer.optional(3) else { return (parts[0], parts[1], parts[2]) }
    let size: String = writer.add("Shape", [parts[0]], ["start": .int(2), "end": .int(3)])
    let twice: String = writer.add("Add", [size, size])
    let (zero, end) = (writer.list([0]), writer.list([Int(Int32.max)]))
    for (place, range) in [(zero, size), (size, twice), (twice, end)].enumerated() {
      let share: String = writer.add("Slice", [bias, range.0, range.1, zero])
      parts[place] = writer.add("Add", [parts[place], share])
    }
    return (parts[0], parts[1], parts[2])
  }

  private static func split(_ writer: inout ExpansionWriter, _ packed: String, count: Int) -> [String] {
    let parts = writer.add(
      "Split", [packed], ["axis": .int(3), "num_outputs": .int(count)], outputs: count)
    let shape = writer.list([0, 0, -1])
    return parts.map { writer.add("Reshape", [$0, shape]) }
  }
}

/// Writes the attention of projected queries, keys and values.
struct HeadAttentionWriter {
  let heads: Int
  let mask: String?
  let bias: String?
  let cache: (key: String, value: String)?
  let wantsCache: Bool

  func add(_ writer: inout ExpansionWriter, q: String, k: String, v: String) throws -> (
    output: String, cache: (key: String, value: String)?
  ) {
    let own = ExpansionWriter.ownDomain
    let split = { (writer: inout ExpansionWriter, x: String) -> String in
      writer.add("SplitHeads", [x], ["heads": .int(heads)], domain: own)
    }
    let queries = split(&writer, q)
    var (keys, values) = (split(&writer, k), split(&writer, v))
    let isHeadsFirst = cache != nil || wantsCache
    if isHeadsFirst {
      let order = ["perm": Attribute.ints([0, 2, 1, 3])]
      keys = writer.add("Transpose", [keys], order)
      values = writer.add("Transpose", [values], order)
      if let cache {
        keys = writer.add("Concat", [cache.key, keys], ["axis": .int(2)])
        values = writer.add("Concat", [cache.value, values], ["axis": .int(2)])
      }
    }
    let layout: [String: Attribute] = ["keys_heads_first": .int(isHeadsFirst ? 1 : 0)]
    var scores = bias
    if let mask {
      var attributes = layout
      attributes["filter"] = .float(try writer.reader.float("mask_filter_value", default: -10_000))
      let hidden: String = writer.add("MaskBias", [queries, keys, mask], attributes, domain: own)
      scores = scores.map { writer.add("Add", [$0, hidden]) } ?? hidden
    }
    var attributes = layout
    attributes["scale"] = .float(try writer.reader.float("scale", default: 0))
    attributes["causal"] = .int(try writer.reader.flag("unidirectional", default: false) ? 1 : 0)
    let attended: String = writer.add(
      "HeadAttention", [queries, keys, values, scores], attributes, domain: own)
    let shape = writer.list([0, 0, -1])
    return (writer.add("Reshape", [attended, shape]), isHeadsFirst ? (keys, values) : nil)
  }
}

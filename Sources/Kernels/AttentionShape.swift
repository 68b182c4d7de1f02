/// The sizes of scaled dot-product attention, and how its operands lie in memory.
public struct AttentionShape: Sendable, Hashable {
  public var batch: Int
  /// Heads of the queries and of the result.
  public var heads: Int
  /// Heads of the keys and values; divides `heads`. Query head h reads head h / (heads / keyHeads).
  public var keyHeads: Int
  public var queries: Int
  public var keys: Int
  /// Elements of a query and of a key in one head.
  public var headSize: Int
  /// Elements of a value and of a result in one head.
  public var valueSize: Int
  /// What the products of queries and keys are multiplied with: 1 / √headSize unless set.
  public var scale: Float
  /// Query i sees keys 0 … i + `causalOffset` only; nil: all. 0 where queries and keys begin together,
  /// keys − queries where the last query belongs to the last key.
  public var causalOffset: Int?
  public var query: AttentionStrides
  public var key: AttentionStrides
  public var value: AttentionStrides
  public var output: AttentionStrides

  /// Dense operands; set the strides afterwards for others.
  public init(
    batch: Int, heads: Int, keyHeads: Int? = nil, queries: Int, keys: Int, headSize: Int,
    valueSize: Int? = nil, layout: AttentionLayout = .headsFirst
  ) {
    self.batch = batch
    self.heads = heads
    self.keyHeads = keyHeads ?? heads
    self.queries = queries
    self.keys = keys
    self.headSize = headSize
    self.valueSize = valueSize ?? headSize
    scale = 1 / Float(max(headSize, 1)).squareRoot()
    query = AttentionStrides(layout, heads: heads, rows: queries, size: headSize)
    key = AttentionStrides(layout, heads: self.keyHeads, rows: keys, size: headSize)
    value = AttentionStrides(layout, heads: self.keyHeads, rows: keys, size: self.valueSize)
    output = AttentionStrides(layout, heads: heads, rows: queries, size: self.valueSize)
  }

  /// Keys that the queries before `end` see.
  func visibleKeys(before end: Int) -> Int {
    guard let causalOffset else { return keys }
    return min(keys, max(0, end + causalOffset))
  }
}

/// The order of an attention operand's dimensions.
public enum AttentionLayout: Sendable, Hashable {
  /// [batch, heads, sequence, size]
  case headsFirst
  /// [batch, sequence, heads, size]: as a projection writes it.
  case sequenceFirst
}

/// Elements from one batch entry, head or row of the sequence to the next. The elements of a row within a
/// head are neighbours.
public struct AttentionStrides: Sendable, Hashable {
  public var batch: Int
  public var head: Int
  public var row: Int

  public init(batch: Int, head: Int, row: Int) {
    self.batch = batch
    self.head = head
    self.row = row
  }

  init(_ layout: AttentionLayout, heads: Int, rows: Int, size: Int) {
    switch layout {
    case .headsFirst: self.init(batch: heads * rows * size, head: rows * size, row: size)
    case .sequenceFirst: self.init(batch: rows * heads * size, head: size, row: heads * size)
    }
  }
}

/// What is added to the scores of queries and keys, or which of them count. Strides of 0 repeat.
public struct AttentionMask {
  public enum Values {
    /// Added to the scores.
    case additive(UnsafePointer<Float>)
    /// 0 hides a key from a query.
    case boolean(UnsafePointer<UInt8>)
  }

  public var values: Values
  public var batchStride: Int
  public var headStride: Int
  public var queryStride: Int
  public var keyStride: Int

  public init(
    _ values: Values, batchStride: Int = 0, headStride: Int = 0, queryStride: Int = 0, keyStride: Int = 1
  ) {
    self.values = values
    self.batchStride = batchStride
    self.headStride = headStride
    self.queryStride = queryStride
    self.keyStride = keyStride
  }

  /// What is added to the score of a query and a key.
  func bias(batch: Int, head: Int, query: Int, key: Int) -> Float {
    let offset = batch * batchStride + head * headStride + query * queryStride + key * keyStride
    switch values {
    case .additive(let values): return values[offset]
    case .boolean(let values): return values[offset] == 0 ? -.infinity : 0
    }
  }
}

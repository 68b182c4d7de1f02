/// The sizes of C[m,n] = op(A)[m,k] · op(B)[k,n], and how the operands lie in memory.
public struct MatmulShape: Sendable, Hashable {
  public var m: Int
  public var n: Int
  public var k: Int
  /// A is stored as [k,m].
  public var transposeA: Bool
  /// B is stored as [n,k]. Without meaning for a `PackedMatrix`.
  public var transposeB: Bool
  /// Elements from one stored row to the next.
  public var strideA: Int
  public var strideB: Int
  public var strideC: Int

  /// Dense operands; set the strides afterwards for others.
  public init(m: Int, n: Int, k: Int, transposeA: Bool = false, transposeB: Bool = false) {
    self.m = m
    self.n = n
    self.k = k
    self.transposeA = transposeA
    self.transposeB = transposeB
    strideA = transposeA ? m : k
    strideB = transposeB ? k : n
    strideC = n
  }
}

/// How the matrices of a batched product follow one another.
public struct MatmulBatch: Sendable, Hashable {
  public var count: Int
  /// Elements from one matrix to the next; 0 uses the same matrix throughout.
  public var strideA: Int
  public var strideB: Int
  public var strideC: Int

  public init(count: Int, strideA: Int, strideB: Int, strideC: Int) {
    self.count = count
    self.strideA = strideA
    self.strideB = strideB
    self.strideC = strideC
  }
}

/// The right-hand matrix [k,n] of a product, rearranged once for a table's kernels: a layer's weights.
public final class PackedMatrix: Sendable {
  public let k: Int
  public let n: Int
  let storage: AlignedMemory

  /// Bytes of memory that the packed form takes.
  public var byteCount: Int { storage.byteCount }

  /// Copies op(B)[k,n].
  ///
  /// - Parameters:
  ///   - stride: elements from one stored row to the next; nil if dense.
  ///   - transposed: B is stored as [n,k].
  public init(
    _ b: UnsafePointer<Float>, k: Int, n: Int, stride: Int? = nil, transposed: Bool = false,
    table: KernelTable
  ) {
    self.k = k
    self.n = n
    storage = AlignedMemory(floatCount: k * n)
    let stride = stride ?? (transposed ? k : n)
    for row in 0..<k {
      for column in 0..<n {
        storage.floats[row * n + column] = transposed ? b[column * stride + row] : b[row * stride + column]
      }
    }
  }
}

/// The right-hand matrix [k,n] of a product, rearranged once for a table's kernels: a layer's weights.
///
/// Panels of as many columns as the micro-kernel holds, each [k, panelWidth], the last one padded with zeros.
public final class PackedMatrix: Sendable {
  public let k: Int
  public let n: Int
  let panelWidth: Int
  let storage: AlignedMemory

  /// Bytes of memory that the packed form takes.
  public var byteCount: Int { storage.byteCount }

  /// Copies op(B)[k,n].
  ///
  /// - Parameters:
  ///   - stride: elements from one stored row to the next; nil if dense.
  ///   - transposed: B is stored as [n,k].
  ///   - table: the one that will multiply with it.
  public init(
    _ b: UnsafePointer<Float>, k: Int, n: Int, stride: Int? = nil, transposed: Bool = false,
    table: KernelTable
  ) {
    self.k = k
    self.n = n
    panelWidth = table.level.panelWidth
    storage = PackedMatrix.pack(
      b, k: k, n: n, stride: stride ?? (transposed ? k : n), transposed: transposed, table: table)
  }

  static func pack(
    _ b: UnsafePointer<Float>, k: Int, n: Int, stride: Int, transposed: Bool, table: KernelTable
  ) -> AlignedMemory {
    let width = table.level.panelWidth
    let panels = (n + width - 1) / width
    let storage = AlignedMemory(floatCount: panels * width * k)
    table.level.packB(
      b, k: k, n: n, stride: stride, transposed: transposed, firstPanel: 0, endPanel: panels, storage.floats)
    return storage
  }
}

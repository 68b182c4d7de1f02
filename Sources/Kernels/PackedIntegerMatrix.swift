internal import CKernels

/// The right-hand matrix [k,n] of a product of 8-bit integers, rearranged once for a table's kernels: a
/// layer's quantised weights.
public final class PackedIntegerMatrix: Sendable {
  public let k: Int
  public let n: Int
  let layout: IntegerPanelLayout
  private let storage: AlignedMemory

  /// Bytes of memory that the packed form takes.
  public var byteCount: Int { storage.byteCount }

  /// Copies op(B)[k,n].
  ///
  /// - Parameters:
  ///   - b: its zero points too are copied.
  ///   - stride: bytes from one stored row to the next; nil if dense.
  ///   - transposed: B is stored as [n,k].
  ///   - table: the one that will multiply with it.
  public init(
    _ b: IntegerMatrix, k: Int, n: Int, stride: Int? = nil, transposed: Bool = false, table: KernelTable
  ) {
    self.k = k
    self.n = n
    let stride = stride ?? (transposed ? k : n)
    let isNarrow =
      table.level.hasNarrowProducts && b.isNarrow(k: k, n: n, stride: stride, transposed: transposed)
    layout = IntegerPanelLayout(k: k, n: n, table: table, isNarrow: isNarrow)
    storage = AlignedMemory(byteCount: layout.byteCount)
    layout.pack(b, stride: stride, transposed: transposed, storage.bytes, table, .single)
  }

  var panels: IntegerPanels { layout.panels(storage.bytes) }
}

/// Where the parts of a packed right-hand matrix lie: the panels, the sums of their columns, and the
/// columns' zero points.
struct IntegerPanelLayout: Equatable {
  let k: Int
  let n: Int
  /// Values of k that stand together.
  let group: Int
  let kind: kernels_words
  let panelWidth: Int

  /// - Parameter isNarrow: what `IntegerMatrix.isNarrow` says.
  init(k: Int, n: Int, table: KernelTable, isNarrow: Bool = false) {
    self.k = k
    self.n = n
    kind = table.usesVNNI ? .bytes : isNarrow && table.level.hasNarrowProducts ? .narrowBytes : .pairs
    group = kind == .pairs ? 2 : 4
    panelWidth = table.level.panelWidth
  }

  /// Whether a table multiplies a matrix of these sizes that is packed so.
  func fits(_ shape: MatmulShape, _ table: KernelTable) -> Bool {
    self == IntegerPanelLayout(k: shape.k, n: shape.n, table: table, isNarrow: kind == .narrowBytes)
  }

  var groups: Int { (k + group - 1) / group }
  var panelCount: Int { (n + panelWidth - 1) / panelWidth }
  var panelByteCount: Int { groups * group * panelWidth }

  private var columnByteCount: Int { panelCount * panelWidth * MemoryLayout<Int32>.stride }
  private var sumsOffset: Int { (panelCount * panelByteCount + 63) / 64 * 64 }
  var byteCount: Int { sumsOffset + 2 * columnByteCount }

  func panels(_ memory: UnsafeMutableRawPointer) -> IntegerPanels {
    let columns = (memory + sumsOffset).assumingMemoryBound(to: Int32.self)
    let zeroPoints = columns + panelCount * panelWidth
    var hasZeroPoints = false
    for column in 0..<n where zeroPoints[column] != 0 { hasZeroPoints = true }
    return IntegerPanels(
      values: UnsafePointer(memory.assumingMemoryBound(to: Int8.self)), columnSums: UnsafePointer(columns),
      zeroPoints: hasZeroPoints ? UnsafePointer(zeroPoints) : nil)
  }

  func pack(
    _ b: IntegerMatrix, stride: Int, transposed: Bool, _ memory: UnsafeMutableRawPointer,
    _ table: KernelTable, _ team: ThreadTeam
  ) {
    let columns = (memory + sumsOffset).assumingMemoryBound(to: Int32.self)
    let isLarge = k * n > 64 * 1024
    let parts = Partition(panelCount, parts: isLarge ? team.width : 1)
    team.parallelFor(parts.parts) { part in
      table.level.packIntegersB(
        b.bytes.assumingMemoryBound(to: UInt8.self), k: k, n: n, stride: stride, transposed: transposed,
        flip: b.isSigned ? 0 : 0x80, group: group, firstPanel: parts[part].lowerBound,
        endPanel: parts[part].upperBound, memory.assumingMemoryBound(to: Int8.self), columnSums: columns)
    }
    let zeroPoints = columns + panelCount * panelWidth
    for column in 0..<(panelCount * panelWidth) {
      let zeroPoint = column < n ? b.zeroPoint[column] : 0
      // The panels hold signed bytes: unsigned ones stand there less 128, and so do their zero points.
      zeroPoints[column] = column < n && !b.isSigned ? zeroPoint - 128 : zeroPoint
    }
  }
}

extension IntegerMatrix {
  /// Whether the bytes of op(B)[k,n], as signed ones, are such that the sizes of two neighbours in a column, from an
  /// even row on, add up to 128 at most: weights of seven bits are, and most that are quantised per tensor.
  func isNarrow(k: Int, n: Int, stride: Int, transposed: Bool) -> Bool {
    let values = bytes.assumingMemoryBound(to: UInt8.self)
    let flip: UInt8 = isSigned ? 0 : 0x80
    func size(_ row: Int, _ column: Int) -> UInt16 {
      if row >= k { return 0 }
      let byte = values[transposed ? column * stride + row : row * stride + column] ^ flip
      return UInt16(Int8(bitPattern: byte).magnitude)
    }
    let (outer, inner) = transposed ? (n, (k + 1) / 2) : ((k + 1) / 2, n)
    for first in 0..<outer {
      for second in 0..<inner {
        let (column, row) = transposed ? (first, 2 * second) : (second, 2 * first)
        if size(row, column) + size(row + 1, column) > 128 { return false }
      }
    }
    return true
  }
}

/// A packed right-hand matrix.
struct IntegerPanels {
  let values: UnsafePointer<Int8>
  let columnSums: UnsafePointer<Int32>
  /// Of the signed bytes; nil if all are 0.
  let zeroPoints: UnsafePointer<Int32>?
}

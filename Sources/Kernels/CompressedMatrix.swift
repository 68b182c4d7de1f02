internal import CKernels
internal import Tensors

/// The right-hand matrix [k,n] of a product, kept in fewer bits than float32 and packed once for a table's
/// kernels: a layer's weights. Sums are of float32.
public final class CompressedMatrix: Sendable {
  /// How a weight is kept.
  public enum Format: Sendable, Hashable {
    case float16
    case bfloat16
    /// As `bfloat16`, and a machine that multiplies pairs of bfloat16 directly may round the activations to
    /// it too: the `bf16` precision, at about twice the speed there.
    case bfloat16Products
    /// 4 or 8 bits and, for each column and each `groupSize` rows, a scale and a zero point.
    case integers(bits: Int, groupSize: Int)
  }

  public let k: Int
  public let n: Int
  public let format: Format
  let panelWidth: Int
  /// The panels are of pairs of rows, for BF16's instructions.
  let isPaired: Bool
  private let values: AlignedMemory
  private let scales: AlignedMemory?
  private let shifts: AlignedMemory?
  private let panelByteCount: Int

  /// Bytes of memory that the packed form takes.
  public var byteCount: Int { values.byteCount + (scales?.byteCount ?? 0) + (shifts?.byteCount ?? 0) }

  /// Rounds op(B)[k,n] to 16-bit numbers.
  ///
  /// - Parameters:
  ///   - format: not `integers`.
  ///   - stride: elements from one stored row to the next; nil if dense.
  ///   - transposed: B is stored as [n,k].
  ///   - table: the one that will multiply with it.
  public convenience init(
    _ b: UnsafePointer<Float>, k: Int, n: Int, format: Format, stride: Int? = nil, transposed: Bool = false,
    table: KernelTable
  ) {
    let step = stride ?? (transposed ? k : n)
    let isHalf = format == .float16
    self.init(k: k, n: n, halves: format, table: table) { row, column in
      let value = transposed ? b[column * step + row] : b[row * step + column]
      return isHalf ? FP16(value).bits : BF16(value).bits
    }
  }

  /// As `init(_:k:n:format:stride:transposed:table:)` for weights that are 16-bit numbers already.
  public convenience init(
    bits b: UnsafePointer<UInt16>, k: Int, n: Int, format: Format, stride: Int? = nil,
    transposed: Bool = false, table: KernelTable
  ) {
    let step = stride ?? (transposed ? k : n)
    self.init(k: k, n: n, halves: format, table: table) { row, column in
      transposed ? b[column * step + row] : b[row * step + column]
    }
  }

  private init(
    k: Int, n: Int, halves format: Format, table: KernelTable, _ bits: (_ row: Int, _ column: Int) -> UInt16
  ) {
    self.k = k
    self.n = n
    self.format = format
    let width = table.level.panelWidth
    panelWidth = width
    let isPaired = format == .bfloat16Products && table.usesBF16
    self.isPaired = isPaired
    panelByteCount = (k + 1) / 2 * 2 * width * 2
    values = AlignedMemory(byteCount: (n + width - 1) / width * panelByteCount)
    (scales, shifts) = (nil, nil)
    for column in 0..<n {
      let panel = (values.bytes + column / width * panelByteCount).assumingMemoryBound(to: UInt16.self)
      for row in 0..<k {
        let place =
          isPaired ? (row / 2 * width + column % width) * 2 + row % 2 : row * width + column % width
        panel[place] = bits(row, column)
      }
    }
  }

  /// Weights of 4 or 8 bits: (stored − zero point) · scale.
  ///
  /// - Parameters:
  ///   - bits: 4 or 8.
  ///   - groupSize: rows that share a scale and a zero point within their column.
  ///   - stored: the number at a row and column, 0 ..< 2ᵇⁱᵗˢ; signed ones are raised by half of that range,
  ///     and so are their zero points.
  ///   - scale: of a group and column; `zeroPoint` as well.
  public init(
    k: Int, n: Int, bits: Int, groupSize: Int, table: KernelTable, stored: (_ row: Int, _ column: Int) -> Int,
    scale: (_ group: Int, _ column: Int) -> Float, zeroPoint: (_ group: Int, _ column: Int) -> Float
  ) {
    precondition(bits == 4 || bits == 8, "weights have 4 or 8 bits")
    precondition(groupSize > 0 && (bits == 8 || groupSize % 2 == 0), "a byte's two weights share a group")
    self.k = k
    self.n = n
    format = .integers(bits: bits, groupSize: groupSize)
    isPaired = false
    let width = table.level.panelWidth
    panelWidth = width
    let panels = (n + width - 1) / width
    let groups = (k + groupSize - 1) / groupSize
    panelByteCount = (bits == 8 ? k : (k + 1) / 2) * width
    values = AlignedMemory(byteCount: panels * panelByteCount)
    let scales = AlignedMemory(floatCount: panels * groups * width)
    let shifts = AlignedMemory(floatCount: panels * groups * width)
    (self.scales, self.shifts) = (scales, shifts)
    for column in 0..<n {
      let panel = (values.bytes + column / width * panelByteCount).assumingMemoryBound(to: UInt8.self)
      for row in 0..<k {
        let value = UInt8(truncatingIfNeeded: stored(row, column))
        if bits == 8 {
          panel[row * width + column % width] = value
        } else {
          panel[row / 2 * width + column % width] |= (value & 15) << (row % 2 == 0 ? 0 : 4)
        }
      }
      for group in 0..<groups {
        let place = (column / width * groups + group) * width + column % width
        scales.floats[place] = scale(group, column)
        shifts.floats[place] = -zeroPoint(group, column) * scale(group, column)
      }
    }
  }

  /// What the kernels read.
  var code: kernels_compressed {
    var code = kernels_compressed()
    code.k = Int64(k)
    code.values = UnsafePointer(values.bytes.assumingMemoryBound(to: UInt8.self))
    code.panel_bytes = Int64(panelByteCount)
    code.scales = scales.map { UnsafePointer($0.floats) }
    code.shifts = shifts.map { UnsafePointer($0.floats) }
    // Numbers without groups go by blocks that fit the first-level cache.
    code.group_size = 128
    switch format {
    case .float16: code.format = .float16
    case .bfloat16, .bfloat16Products: code.format = .bfloat16
    case .integers(let bits, let groupSize):
      code.format = bits == 8 ? .uint8 : .uint4
      code.group_size = Int64(groupSize)
    }
    return code
  }
}

internal import CKernels

extension Level {
  /// Writes panels of op(B)[k,n] and the sums of its columns, zeros beyond n and k.
  ///
  /// - Parameters:
  ///   - stride: bytes from one stored row to the next; `transposed`: stored as [n,k].
  ///   - flip: 0x80 turns unsigned bytes into signed ones, 128 less; else 0.
  ///   - group: values of k that stand together, 2 or 4.
  ///   - columnSums: one a column of the panels.
  public static func packIntegersB(
    _ b: UnsafePointer<UInt8>, k: Int, n: Int, stride: Int, transposed: Bool, flip: UInt8, group: Int,
    firstPanel: Int, endPanel: Int, _ target: UnsafeMutablePointer<Int8>,
    columnSums: UnsafeMutablePointer<Int32>
  ) {
    let groups = (k + group - 1) / group
    let rowStep = transposed ? 1 : stride
    let columnStep = transposed ? stride : 1
    var to = target + firstPanel * groups * group * panelWidth
    for panel in firstPanel..<endPanel {
      for column in 0..<panelWidth {
        let sourceColumn = panel * panelWidth + column
        let from = b + sourceColumn * columnStep
        let rows = sourceColumn < n ? k : 0
        var sum: Int32 = 0
        for row in 0..<(groups * group) {
          let value = row < rows ? Int8(bitPattern: from[row * rowStep] ^ flip) : 0
          to[row / group * group * panelWidth + column * group + row % group] = value
          sum &+= Int32(value)
        }
        columnSums[sourceColumn] = sum
      }
      to += groups * group * panelWidth
    }
  }

  /// Writes rows of A[m,k] as a product reads them: unsigned bytes (`group` 4; signed ones come 128
  /// greater), or 16-bit integers.
  ///
  /// - Parameters:
  ///   - stride: bytes from one stored row to the next.
  ///   - target: rows of k, filled up to a multiple of four bytes.
  public static func packIntegersA(
    _ a: UnsafePointer<UInt8>, rows: Int, k: Int, stride: Int, isSigned: Bool, group: Int,
    _ target: UnsafeMutablePointer<UInt8>
  ) {
    let rowBytes = group == 4 ? (k + 3) / 4 * 4 : (k + 1) / 2 * 4
    for row in 0..<rows {
      let from = a + row * stride
      let to = target + row * rowBytes
      if group == 4 {
        let flip: UInt8 = isSigned ? 0x80 : 0
        for index in 0..<k { to[index] = from[index] ^ flip }
        for index in k..<rowBytes { to[index] = 0 }
      } else {
        let words = UnsafeMutableRawPointer(to).assumingMemoryBound(to: Int16.self)
        if isSigned {
          for index in 0..<k { words[index] = Int16(Int8(bitPattern: from[index])) }
        } else {
          for index in 0..<k { words[index] = Int16(from[index]) }
        }
        if k % 2 != 0 { words[k] = 0 }
      }
    }
  }

  /// sums[row] = Σ of the row's values, as `packIntegersA` writes them, less k · its zero point.
  ///
  /// - Parameter zeroPoints: one a row, or nil for `zeroPoint` throughout.
  public static func sumIntegerRows(
    _ a: UnsafePointer<UInt8>, firstRow: Int, endRow: Int, k: Int, stride: Int, group: Int,
    zeroPoints: UnsafePointer<Int32>?, zeroPoint: Int32, _ sums: UnsafeMutablePointer<Int32>
  ) {
    for row in firstRow..<endRow {
      let from = a + row * stride
      var sum: Int32 = 0
      if group == 4 {
        for index in 0..<k { sum &+= Int32(from[index]) }
      } else {
        let words = UnsafeRawPointer(from).assumingMemoryBound(to: Int16.self)
        for index in 0..<k { sum &+= Int32(words[index]) }
      }
      sums[row] = sum &- Int32(k) &* (zeroPoints?[row] ?? zeroPoint)
    }
  }
}

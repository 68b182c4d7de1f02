internal import CKernels

extension Level {
  /// Copies `rows` short runs of `words` times four bytes, whose begins lie so many bytes apart.
  public static func copyRuns(
    _ source: UnsafeRawPointer, _ sourceStride: Int, _ target: UnsafeMutableRawPointer, _ targetStride: Int,
    words: Int, rows: Int
  ) {
    for row in 0..<rows {
      let from = (source + row * sourceStride).assumingMemoryBound(to: Float.self)
      let to = (target + row * targetStride).assumingMemoryBound(to: Float.self)
      forEachPart(words) { index, part in storePart(to + index, loadPart(from + index, part), part) }
    }
  }

  /// target[columns, rows] = source[rows, columns]ᵀ, in blocks that fit the first-level cache.
  ///
  /// - Parameters:
  ///   - elementSize: 1, 2, 4 or 8 bytes; nothing happens for others.
  ///   - sourceRow: elements from one row of the source to the next, as `targetRow` of the target.
  public static func transpose(
    elementSize: Int, _ source: UnsafeRawPointer, rows: Int, columns: Int, sourceRow: Int,
    _ target: UnsafeMutableRawPointer, targetRow: Int
  ) {
    @inline(__always)
    func by<Element>(_ type: Element.Type) {
      transposeBlocks(
        source.assumingMemoryBound(to: type), rows, columns, sourceRow, target.assumingMemoryBound(to: type),
        targetRow)
    }
    switch elementSize {
    case 1:
      transposeBytes(
        source.assumingMemoryBound(to: UInt8.self), rows, columns, sourceRow,
        target.assumingMemoryBound(to: UInt8.self), targetRow)
    case 2: by(UInt16.self)
    case 4:
      transposeFloats(
        source.assumingMemoryBound(to: Float.self), rows, columns, sourceRow,
        target.assumingMemoryBound(to: Float.self), targetRow)
    case 8: by(UInt64.self)
    default: break
    }
  }
}

@inline(__always)
private func transposeBlocks<Element>(
  _ source: UnsafePointer<Element>, _ rows: Int, _ columns: Int, _ sourceRow: Int,
  _ target: UnsafeMutablePointer<Element>, _ targetRow: Int
) {
  let side = 16
  var top = 0
  while top < rows {
    let bottom = lesser(top + side, rows)
    var left = 0
    while left < columns {
      let right = lesser(left + side, columns)
      for column in left..<right {
        for row in top..<bottom { target[column * targetRow + row] = source[row * sourceRow + column] }
      }
      left = right
    }
    top = bottom
  }
}

/// Blocks of 16 × 16 in registers, and what is left byte by byte.
private func transposeBytes(
  _ source: UnsafePointer<UInt8>, _ rows: Int, _ columns: Int, _ sourceRow: Int,
  _ target: UnsafeMutablePointer<UInt8>, _ targetRow: Int
) {
  var top = 0
  while top < rows {
    var left = 0
    while left < columns {
      let from = source + top * sourceRow + left
      let to = target + left * targetRow + top
      if rows - top >= 16, columns - left >= 16 {
        lanes_transpose_bytes(from, Int64(sourceRow), to, Int64(targetRow))
      } else {
        transposeBlocks(from, lesser(16, rows - top), lesser(16, columns - left), sourceRow, to, targetRow)
      }
      left += 16
    }
    top += 16
  }
}

/// Blocks of 16 × 16 in registers. Any four bytes pass as a float: they are moved, not computed with.
private func transposeFloats(
  _ source: UnsafePointer<Float>, _ rows: Int, _ columns: Int, _ sourceRow: Int,
  _ target: UnsafeMutablePointer<Float>, _ targetRow: Int
) {
  var top = 0
  while top < rows {
    var left = 0
    while left < columns {
      lanes_transpose(
        source + top * sourceRow + left, Int64(sourceRow), Int64(lesser(16, rows - top)),
        target + left * targetRow + top, Int64(targetRow), Int64(lesser(16, columns - left)))
      left += 16
    }
    top += 16
  }
}

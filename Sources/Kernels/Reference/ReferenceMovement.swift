public import Tensors

extension Reference {
  public static func transpose(
    elementSize: Int, shape: Shape, permutation: Shape, _ x: UnsafeRawPointer, _ y: UnsafeMutableRawPointer
  ) {
    let result = Shape(permutation.map { shape[$0] })
    for index in 0..<(shape.elementCount ?? 0) {
      var offset = 0
      for axis in 0..<shape.rank {
        let source = permutation.firstIndex(of: axis) ?? axis
        offset = offset * shape[axis] + coordinate(index, source, result)
      }
      y.advanced(by: index * elementSize).copyMemory(from: x + offset * elementSize, byteCount: elementSize)
    }
  }

  public static func copyRows(
    _ source: UnsafeRawPointer, sourceStride: Int, _ target: UnsafeMutableRawPointer, targetStride: Int,
    rowByteCount: Int, rows: Int
  ) {
    for row in 0..<rows {
      target.advanced(by: row * targetStride).copyMemory(
        from: source + row * sourceStride, byteCount: rowByteCount)
    }
  }

  public static func pad(
    elementSize: Int, shape: Shape, before: Shape, after: Shape, value: UnsafeRawPointer,
    _ x: UnsafeRawPointer,
    _ y: UnsafeMutableRawPointer
  ) {
    var result = Shape()
    for axis in 0..<shape.rank { result.append(before[axis] + shape[axis] + after[axis]) }
    for index in 0..<(result.elementCount ?? 0) {
      var offset = 0
      var isInside = true
      for axis in 0..<shape.rank {
        let at = coordinate(index, axis, result) - before[axis]
        isInside = isInside && at >= 0 && at < shape[axis]
        offset = offset * shape[axis] + at
      }
      let source = isInside ? x + offset * elementSize : value
      y.advanced(by: index * elementSize).copyMemory(from: source, byteCount: elementSize)
    }
  }
}

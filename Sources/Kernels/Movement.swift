public import Tensors

extension KernelTable {
  /// y[…] = x with its dimensions in the order `permutation`: y's axis i is x's axis `permutation[i]`.
  ///
  /// - Parameters:
  ///   - elementSize: bytes of an element; 1, 2, 4 and 8 are fast.
  ///   - shape: of x.
  ///   - permutation: each axis of x once.
  public func transpose(
    elementSize: Int, shape: Shape, permutation: Shape, _ x: UnsafeRawPointer, _ y: UnsafeMutableRawPointer,
    team: ThreadTeam
  ) {
    Reference.transpose(elementSize: elementSize, shape: shape, permutation: permutation, x, y)
  }

  /// Copies `rows` runs of `rowByteCount` bytes, each `sourceStride` bytes after the last, to runs
  /// `targetStride` bytes apart: a part of a concatenation, a split or a slice.
  public func copyRows(
    _ source: UnsafeRawPointer, sourceStride: Int, _ target: UnsafeMutableRawPointer, targetStride: Int,
    rowByteCount: Int, rows: Int, team: ThreadTeam
  ) {
    Reference.copyRows(
      source, sourceStride: sourceStride, target, targetStride: targetStride, rowByteCount: rowByteCount,
      rows: rows)
  }

  /// y = x with `before` and `after` more elements along each axis, which are copies of `value`.
  public func pad(
    elementSize: Int, shape: Shape, before: Shape, after: Shape, value: UnsafeRawPointer,
    _ x: UnsafeRawPointer,
    _ y: UnsafeMutableRawPointer, team: ThreadTeam
  ) {
    Reference.pad(elementSize: elementSize, shape: shape, before: before, after: after, value: value, x, y)
  }
}

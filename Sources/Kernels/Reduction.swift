/// What a reduction computes of the values along its axes.
public enum Reduction: Sendable, Hashable, CaseIterable {
  case sum
  case mean
  /// The greatest; NaN if any is; −∞ of none.
  case maximum
  /// The least; NaN if any is; +∞ of none.
  case minimum
  case product
  case sumOfSquares
}

extension KernelTable {
  /// Reduces the middle axis of [outer, length, inner] into [outer, inner]. Adjacent axes count as one.
  /// The mean of no values is NaN.
  public func reduce(
    _ reduction: Reduction, _ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>, outer: Int,
    length: Int,
    inner: Int = 1, team: ThreadTeam
  ) {
    Reference.reduce(reduction, x, y, outer: outer, length: length, inner: inner)
  }
}

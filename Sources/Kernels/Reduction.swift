internal import CKernels

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
    if length == 0 {
      Reference.reduce(reduction, x, y, outer: outer, length: 0, inner: inner)
      return
    }
    let code = reduction.code
    forEachRow(outer, length: length * inner, team) { rows in
      if inner == 1 {
        level.reduceRows(
          code, x + rows.lowerBound * length, y + rows.lowerBound, rows: rows.count, length: length)
      } else {
        for row in rows {
          level.reduceColumns(code, x + row * length * inner, y + row * inner, length: length, inner: inner)
        }
      }
      if reduction == .mean {
        var epilogue = kernels_epilogue(Activation.none.code)
        epilogue.alpha = 1 / Float(length)
        let means = y + rows.lowerBound * inner
        level.finish(&epilogue, means, sourceRow: 0, means, cRow: 0, rows: 1, columns: rows.count * inner)
      }
    }
  }
}

extension Reduction {
  fileprivate var code: kernels_reduction {
    switch self {
    case .sum, .mean: .sum
    case .maximum: .maximum
    case .minimum: .minimum
    case .product: .product
    case .sumOfSquares: .squares
    }
  }
}

internal import CKernels

/// What one value a column does to a matrix.
public enum ColumnOperation: Sendable, Hashable {
  case scale
  case shift
}

extension KernelTable {
  /// Each row of [rows, columns] times `values`, or plus them. `y` may be `x`.
  ///
  /// - Parameter values: one a column.
  public func columnwise(
    _ x: UnsafePointer<Float>, _ operation: ColumnOperation, _ values: UnsafePointer<Float>,
    _ y: UnsafeMutablePointer<Float>, rows: Int, columns: Int, team: ThreadTeam
  ) {
    forEachRow(rows, length: columns, team) { span in
      var epilogue = kernels_epilogue(Activation.none.code)
      switch operation {
      case .scale: epilogue.column_scale = values
      case .shift: epilogue.column_bias = values
      }
      let offset = span.lowerBound * columns
      level.finish(
        &epilogue, x + offset, sourceRow: columns, y + offset, cRow: columns, rows: span.count,
        columns: columns)
    }
  }
}

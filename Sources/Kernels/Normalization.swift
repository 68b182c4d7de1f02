internal import CKernels

extension KernelTable {
  /// Softmax, or its logarithm, along the middle axis of [outer, length, inner]. `y` may be `x`.
  public func softmax(
    _ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>, outer: Int, length: Int, inner: Int = 1,
    logarithm: Bool = false, team: ThreadTeam
  ) {
    if length == 0 || inner == 0 { return }
    forEachRow(outer, length: length * inner, team) { rows in
      if inner == 1 {
        let offset = rows.lowerBound * length
        level.softmaxRows(x + offset, y + offset, rows: rows.count, length: length, logarithm: logarithm)
      } else {
        for row in rows {
          let offset = row * length * inner
          level.softmaxColumns(x + offset, y + offset, length: length, inner: inner, logarithm: logarithm)
        }
      }
    }
  }

  /// Each row of [rows, columns]: (x − mean) / sqrt(variance + epsilon) · scale + bias. `y` may be `x`.
  ///
  /// - Parameter scale: one value a column, as `bias`; nil stands for ones, or zeros.
  public func layerNorm(
    _ x: UnsafePointer<Float>, scale: UnsafePointer<Float>?, bias: UnsafePointer<Float>?,
    _ y: UnsafeMutablePointer<Float>, rows: Int, columns: Int, epsilon: Float, team: ThreadTeam
  ) {
    forEachRow(rows, length: columns, team) { span in
      let offset = span.lowerBound * columns
      level.layerNormRows(
        x + offset, scale: scale, bias: bias, y + offset, rows: span.count, columns: columns, epsilon: epsilon
      )
    }
  }

  /// Each row of [rows, columns]: x / sqrt(mean of squares + epsilon) · scale. `y` may be `x`.
  public func rmsNorm(
    _ x: UnsafePointer<Float>, scale: UnsafePointer<Float>?, _ y: UnsafeMutablePointer<Float>, rows: Int,
    columns: Int, epsilon: Float, team: ThreadTeam
  ) {
    forEachRow(rows, length: columns, team) { span in
      let offset = span.lowerBound * columns
      level.rmsNormRows(
        x + offset, scale: scale, y + offset, rows: span.count, columns: columns, epsilon: epsilon)
    }
  }

  /// y[o, c, i] = activation(x[o, c, i] · scale[c] + shift[c]): batch normalisation at inference, whose
  /// statistics the caller folds into `scale` and `shift`. `y` may be `x`.
  public func scaleShift(
    _ x: UnsafePointer<Float>, scale: UnsafePointer<Float>, shift: UnsafePointer<Float>,
    _ y: UnsafeMutablePointer<Float>, outer: Int, channels: Int, inner: Int, activation: Activation = .none,
    team: ThreadTeam
  ) {
    // Channels-last values are rows with a factor a column; others, rows with a factor a row.
    let byColumn = inner == 1
    forEachRow(outer, length: channels * inner, team) { rows in
      var epilogue = kernels_epilogue(activation.code)
      if byColumn {
        epilogue.column_scale = scale
        epilogue.column_bias = shift
      } else {
        epilogue.row_scale = scale
        epilogue.row_bias = shift
      }
      if byColumn {
        let offset = rows.lowerBound * channels
        level.finish(
          &epilogue, x + offset, sourceRow: channels, y + offset, cRow: channels, rows: rows.count,
          columns: channels)
        return
      }
      for row in rows {
        let offset = row * channels * inner
        level.finish(
          &epilogue, x + offset, sourceRow: inner, y + offset, cRow: inner, rows: channels, columns: inner)
      }
    }
  }

  /// Calls `body` with ranges of 0 ..< rows, on several threads if there is enough to do.
  func forEachRow(_ rows: Int, length: Int, _ team: ThreadTeam, _ body: (Range<Int>) -> Void) {
    if rows <= 0 || length <= 0 { return }
    let parts = Partition(rows, parts: rows * length >= smallestShared / 2 ? team.width * 2 : 1)
    team.parallelFor(parts.parts) { body(parts[$0]) }
  }
}

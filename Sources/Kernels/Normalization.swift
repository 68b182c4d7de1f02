extension KernelTable {
  /// Softmax, or its logarithm, along the middle axis of [outer, length, inner]. `y` may be `x`.
  public func softmax(
    _ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>, outer: Int, length: Int, inner: Int = 1,
    logarithm: Bool = false, team: ThreadTeam
  ) {
    Reference.softmax(x, y, outer: outer, length: length, inner: inner, logarithm: logarithm)
  }

  /// Each row of [rows, columns]: (x − mean) / sqrt(variance + epsilon) · scale + bias. `y` may be `x`.
  ///
  /// - Parameter scale: one value a column, as `bias`; nil stands for ones, or zeros.
  public func layerNorm(
    _ x: UnsafePointer<Float>, scale: UnsafePointer<Float>?, bias: UnsafePointer<Float>?,
    _ y: UnsafeMutablePointer<Float>, rows: Int, columns: Int, epsilon: Float, team: ThreadTeam
  ) {
    Reference.layerNorm(x, scale: scale, bias: bias, y, rows: rows, columns: columns, epsilon: epsilon)
  }

  /// Each row of [rows, columns]: x / sqrt(mean of squares + epsilon) · scale. `y` may be `x`.
  public func rmsNorm(
    _ x: UnsafePointer<Float>, scale: UnsafePointer<Float>?, _ y: UnsafeMutablePointer<Float>, rows: Int,
    columns: Int, epsilon: Float, team: ThreadTeam
  ) {
    Reference.rmsNorm(x, scale: scale, y, rows: rows, columns: columns, epsilon: epsilon)
  }

  /// y[o, c, i] = activation(x[o, c, i] · scale[c] + shift[c]): batch normalisation at inference, whose
  /// statistics the caller folds into `scale` and `shift`. `y` may be `x`.
  public func scaleShift(
    _ x: UnsafePointer<Float>, scale: UnsafePointer<Float>, shift: UnsafePointer<Float>,
    _ y: UnsafeMutablePointer<Float>, outer: Int, channels: Int, inner: Int, activation: Activation = .none,
    team: ThreadTeam
  ) {
    Reference.scaleShift(
      x, scale: scale, shift: shift, y, outer: outer, channels: channels, inner: inner, activation: activation
    )
  }
}

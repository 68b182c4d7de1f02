internal import CKernels

extension KernelTable {
  /// ONNX GroupNormalization of [batch, channels, inner]: the channels of a group share mean and variance.
  /// With as many groups as channels it is InstanceNormalization. `y` may be `x`.
  ///
  /// - Parameters:
  ///   - groups: divides `channels`.
  ///   - scale: one value a channel, as `bias`.
  public func groupNorm(
    _ x: UnsafePointer<Float>, scale: UnsafePointer<Float>, bias: UnsafePointer<Float>,
    _ y: UnsafeMutablePointer<Float>, batch: Int, channels: Int, inner: Int, groups: Int, epsilon: Float,
    activation: Activation = .none, team: ThreadTeam
  ) {
    guard groups > 0, channels > 0, inner > 0 else { return }
    let perGroup = channels / groups
    let length = perGroup * inner
    forEachRow(batch * groups, length: length, team) { rows in
      for row in rows {
        let target = y + row * length
        level.layerNormRows(
          x + row * length, scale: nil, bias: nil, target, rows: 1, columns: length, epsilon: epsilon)
        let channel = row % groups * perGroup
        var epilogue = kernels_epilogue(activation.code)
        epilogue.row_scale = scale + channel
        epilogue.row_bias = bias + channel
        level.finish(
          &epilogue, target, sourceRow: inner, target, cRow: inner, rows: perGroup, columns: inner)
      }
    }
  }
}

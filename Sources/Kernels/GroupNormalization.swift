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
        let channel = row % groups * perGroup
        level.groupNorm(
          x + row * length, scale: scale + channel, bias: bias + channel, target, channels: perGroup,
          inner: inner, epsilon: epsilon)
        if activation != .none {
          var epilogue = kernels_epilogue(activation.code)
          level.finish(&epilogue, target, sourceRow: 0, target, cRow: 0, rows: 1, columns: length)
        }
      }
    }
  }
}

internal import CKernels
internal import Tensors

extension KernelTable {
  /// Bytes of scratch that `poolPixels` of such an image needs.
  public func poolPixelsScratchByteCount(width: Int, channels: Int, team: ThreadTeam) -> Int {
    pixelPoolParts(.max, team) * width * channels * MemoryLayout<Float>.stride
  }

  /// Pools each of `batch` images [height, width, channels]: as `pool`, channels last.
  ///
  /// - Parameters:
  ///   - pooling: of two dimensions.
  ///   - output: [batch, `pooling.outputShape([height, width])`…, channels].
  public func poolPixels(
    _ pooling: Pooling, _ input: UnsafePointer<Float>, batch: Int, height: Int, width: Int, channels: Int,
    output: UnsafeMutablePointer<Float>, scratch: UnsafeMutableRawPointer?, team: ThreadTeam
  ) {
    guard let size = pooling.outputShape([height, width]), let scratch, channels > 0 else { return }
    let job = PixelPool(
      pooling: pooling, height: height, width: width, channels: channels, outputHeight: size[0],
      outputWidth: size[1])
    let rows = Partition(batch * size[0], parts: pixelPoolParts(batch * size[0], team))
    let line = width * channels
    team.parallelFor(rows.parts) { part in
      let room = scratch.assumingMemoryBound(to: Float.self) + part * line
      for row in rows[part] {
        job.poolRow(
          row % size[0], input + row / size[0] * height * line, room, output + row * size[1] * channels, level
        )
      }
    }
  }

  private func pixelPoolParts(_ rows: Int, _ team: ThreadTeam) -> Int {
    min(rows, team.width == 1 ? 1 : team.width * 2)
  }
}

/// A pooling of channels-last images of one size: the window's rows are combined into one, whole, and then
/// that row's pixels.
private struct PixelPool {
  let pooling: Pooling
  let height: Int
  let width: Int
  let channels: Int
  let outputHeight: Int
  let outputWidth: Int

  func poolRow(
    _ y: Int, _ image: UnsafePointer<Float>, _ room: UnsafeMutablePointer<Float>,
    _ target: UnsafeMutablePointer<Float>, _ level: any LevelKernels.Type
  ) {
    let isMaximum = pooling.kind == .max
    let vertical = taps(0, y, extent: height)
    let line = width * channels
    combine(
      vertical, from: image, step: line, room, count: line, isMaximum, level)
    for x in 0..<outputWidth {
      let horizontal = taps(1, x, extent: width)
      let pixel = target + x * channels
      combine(horizontal, from: room, step: channels, pixel, count: channels, isMaximum, level)
      let counted = vertical.counted * horizontal.counted
      if isMaximum || counted <= 1 { continue }
      var epilogue = kernels_epilogue(Activation.none.code)
      epilogue.alpha = 1 / Float(counted)
      level.finish(&epilogue, pixel, sourceRow: 0, pixel, cRow: 0, rows: 1, columns: channels)
    }
  }

  /// The positions under the window that lie within the image, and how many count in a mean.
  private func taps(_ axis: Int, _ place: Int, extent: Int) -> (positions: StrideTo<Int>, counted: Int) {
    let first = place * pooling.strides[axis] - pooling.padsBefore[axis]
    let step = pooling.dilations[axis]
    let end = first + pooling.window[axis] * step
    let begin = first >= 0 ? first : first + (-first + step - 1) / step * step
    let positions = stride(from: begin, to: min(end, extent), by: step)
    let inside = begin < extent ? max(0, (min(end, extent) - begin + step - 1) / step) : 0
    guard pooling.kind == .average(countsPadding: true) else { return (positions, inside) }
    let padded = min(end, extent + pooling.padsAfter[axis])
    return (positions, max(0, (padded - first + step - 1) / step))
  }

  private func combine(
    _ taps: (positions: StrideTo<Int>, counted: Int), from source: UnsafePointer<Float>, step: Int,
    _ target: UnsafeMutablePointer<Float>, count: Int, _ isMaximum: Bool, _ level: any LevelKernels.Type
  ) {
    var isFirst = true
    for position in taps.positions {
      let values = source + position * step
      if isFirst {
        target.update(from: values, count: count)
        isFirst = false
      } else {
        level.binary(
          isMaximum ? .maximum : .add, target, aStep: 1, values, bStep: 1, target, count: count)
      }
    }
    if isFirst { target.update(repeating: isMaximum ? -.infinity : 0, count: count) }
  }
}

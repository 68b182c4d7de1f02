internal import CKernels

extension Convolution {
  /// Items are planes: (image, channel).
  func depthwisePlanes(
    _ window: kernels_window, _ images: Images, _ items: Range<Int>, _ scratch: UnsafeMutablePointer<Float>?
  ) {
    let outputs = window.outputPlane
    let taps = parameters.kernelHeight * parameters.kernelWidth
    let hasTiles = table.level.hasDepthwiseTiles(window)
    var window = window
    for item in items {
      let channel = item % parameters.groups
      let source = images.input + item * window.inputPlane
      let target = images.output + item * outputs
      let residual = images.residual.map { $0 + item * outputs }
      let weights = weights.floats + channel * taps
      if hasTiles {
        var tile = tile(images.activation, source, target, residual, weights)
        table.level.depthwiseStrips(&window, &tile, bias: bias?.floats[channel] ?? 0)
        finishClipped(images.activation, target, outputs)
      } else if let scratch {
        table.level.depthwisePlane(&window, source, weights: weights, target, scratch: scratch)
        var epilogue = epilogue(images.activation, firstChannel: channel)
        epilogue.residual = residual
        table.level.finish(
          &epilogue, target, sourceRow: outputs, target, cRow: outputs, rows: 1, columns: outputs)
      }
    }
  }

  /// Items are output rows: (image, y).
  func depthwiseRows(_ window: kernels_window, _ images: Images, _ items: Range<Int>) {
    let height = Int(window.out_height)
    var item = items.lowerBound
    while item < items.upperBound {
      let y = item % height
      let rows = min(height - y, items.upperBound - item)
      depthwiseRows(window, images, image: item / height, rows: y..<(y + rows))
      item += rows
    }
  }

  /// Rows of one channels-last image.
  private func depthwiseRows(_ window: kernels_window, _ images: Images, image: Int, rows: Range<Int>) {
    let channels = parameters.groups
    let rowCount = Int(window.out_width) * channels
    let source = images.input + image * window.inputPlane * channels
    let output = images.output + image * window.outputPlane * channels
    let residual = images.residual.map { $0 + image * window.outputPlane * channels }
    var window = window
    if table.level.hasDepthwiseTiles(window) {
      var tile = tile(images.activation, source, output, residual, weights.floats)
      table.level.depthwiseTiles(
        &window, &tile, bias: bias.map { UnsafePointer($0.floats) }, channels: channels,
        firstRow: rows.lowerBound, endRow: rows.upperBound)
      finishClipped(images.activation, output + rows.lowerBound * rowCount, rows.count * rowCount)
      return
    }
    for y in rows {
      let target = output + y * rowCount
      table.level.depthwiseRow(
        &window, source, weights: weights.floats, channels: channels, y: y, target)
      var epilogue = epilogue(images.activation, firstChannel: 0)
      epilogue.residual = residual.map { $0 + y * rowCount }
      epilogue.residual_stride = Int64(channels)
      table.level.finish(
        &epilogue, target, sourceRow: channels, target, cRow: channels, rows: Int(window.out_width),
        columns: channels)
    }
  }

  private func tile(
    _ activation: Activation, _ source: UnsafePointer<Float>, _ target: UnsafeMutablePointer<Float>,
    _ residual: UnsafePointer<Float>?, _ weights: UnsafePointer<Float>
  ) -> kernels_tile {
    var tile = kernels_tile()
    tile.source = source
    tile.target = target
    tile.residual = residual
    tile.weights = weights
    (tile.low, tile.high) = activation.clipBounds
    return tile
  }

  /// Applies an activation to values that bias, residual and Clip have been applied to.
  func finishClipped(_ activation: Activation, _ values: UnsafeMutablePointer<Float>, _ count: Int) {
    if activation.isClip { return }
    var epilogue = kernels_epilogue(activation.code)
    table.level.finish(&epilogue, values, sourceRow: count, values, cRow: count, rows: 1, columns: count)
  }
}

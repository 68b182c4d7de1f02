public import CKernels

extension Level {
  /// Whether a depthwise convolution's taps and strides are among those that have a kernel of their own:
  /// 3 × 3 and 5 × 5 with strides of 1 or 2, undilated. The others go by `depthwisePlane` and `depthwiseRow`.
  public static func hasDepthwiseTiles(_ window: kernels_window) -> Bool {
    window.kernel_height == window.kernel_width && (window.kernel_width == 3 || window.kernel_width == 5)
      && window.stride_y == window.stride_x && (window.stride_x == 1 || window.stride_x == 2)
      && window.dilation_y == 1 && window.dilation_x == 1
  }

  /// Output rows `firstRow` … `endRow − 1` of a depthwise convolution of channels-last images, finished.
  ///
  /// - Parameters:
  ///   - tile: `source`, `target` and `residual` at the image's first pixel, `weights` [taps, channels], and
  ///     the bounds of a Clip; the rest is filled in here.
  ///   - bias: one value a channel, or nil.
  public static func depthwiseTiles(
    _ window: UnsafePointer<kernels_window>, _ tile: UnsafePointer<kernels_tile>,
    bias: UnsafePointer<Float>?, channels: Int, firstRow: Int, endRow: Int
  ) {
    switch (window.pointee.kernel_width, window.pointee.stride_x) {
    case (3, 1): pixelRows(3, 1, 4, window, tile, bias, channels, firstRow, endRow)
    case (3, 2): pixelRows(3, 2, 4, window, tile, bias, channels, firstRow, endRow)
    case (5, 1): pixelRows(5, 1, 4, window, tile, bias, channels, firstRow, endRow)
    case (5, 2): pixelRows(5, 2, 2, window, tile, bias, channels, firstRow, endRow)
    default: break
    }
  }

  /// One plane of a depthwise convolution of channels-first images, finished: `tile` as for
  /// `depthwiseTiles`, at the plane's first pixel and with its channel's weights.
  public static func depthwiseStrips(
    _ window: UnsafePointer<kernels_window>, _ tile: UnsafePointer<kernels_tile>, bias: Float
  ) {
    switch (window.pointee.kernel_width, window.pointee.stride_x) {
    case (3, 1): strips(3, 1, 4, window, tile, bias)
    case (3, 2): strips(3, 2, 2, window, tile, bias)
    case (5, 1): strips(5, 1, 4, window, tile, bias)
    case (5, 2): strips(5, 2, 2, window, tile, bias)
    default: break
    }
  }
}

/// Tiles of two rows by `width` columns: a channel vector after the other, so that its weights stay.
@inline(__always)
private func pixelRows(
  _ kernel: Int32, _ stride: Int32, _ width: Int32, _ window: UnsafePointer<kernels_window>,
  _ outer: UnsafePointer<kernels_tile>, _ bias: UnsafePointer<Float>?, _ channels: Int, _ firstRow: Int,
  _ endRow: Int
) {
  let window = window.pointee
  let outWidth = Int(window.out_width)
  let columns = Int(width)
  let reach = (columns - 1) * Int(stride) + Int(kernel)
  var y = firstRow
  while y < endRow {
    var tile = place(outer.pointee, window, y: y, rows: lesser(2, endRow - y), pixel: channels)
    forEachPart(channels) { channel, part in
      let offset = bias.map { loadPart($0 + channel, part) } ?? splat(0)
      tile.weights = outer.pointee.weights + channel
      tile.weight_stride = Int64(channels)
      let (source, target, residual) = (tile.source, tile.target, tile.residual)
      var x = 0
      while x < outWidth {
        let left = x * Int(stride) - Int(window.pad_left)
        tile.source = source! + left * channels + channel
        tile.target = target! + x * channels + channel
        tile.residual = residual.map { $0 + x * channels + channel }
        tile.columns = Int64(lesser(columns, outWidth - x))
        tile.first_column = Int64(-left)
        tile.end_column = window.width - Int64(left)
        if part < 16 {
          kernels_depthwise_pixels(&tile, kernel, stride, 2, width, true, false, Int64(part), offset)
        } else if left >= 0, left + reach <= Int(window.width) {
          kernels_depthwise_pixels(&tile, kernel, stride, 2, width, false, true, 16, offset)
        } else {
          kernels_depthwise_pixels(&tile, kernel, stride, 2, width, true, true, 16, offset)
        }
        x += columns
      }
      (tile.source, tile.target, tile.residual) = (source, target, residual)
    }
    y += 2
  }
}

/// Tiles of `rows` by a vector of neighbouring pixels.
@inline(__always)
private func strips(
  _ kernel: Int32, _ stride: Int32, _ rows: Int32, _ window: UnsafePointer<kernels_window>,
  _ outer: UnsafePointer<kernels_tile>, _ bias: Float
) {
  let window = window.pointee
  let (outHeight, outWidth) = (Int(window.out_height), Int(window.out_width))
  // Columns from a strip's first to the last that its loads touch.
  let reach = stride == 1 ? Int(kernel) + 15 : (Int(kernel) + 1) / 2 * 2 + 30
  var y = 0
  while y < outHeight {
    var tile = place(outer.pointee, window, y: y, rows: lesser(Int(rows), outHeight - y), pixel: 1)
    let (source, target, residual) = (tile.source, tile.target, tile.residual)
    var x = 0
    while x < outWidth {
      let left = x * Int(stride) - Int(window.pad_left)
      tile.source = source! + left
      tile.target = target! + x
      tile.residual = residual.map { $0 + x }
      tile.columns = Int64(lesser(16, outWidth - x))
      tile.first_column = Int64(-left)
      tile.end_column = window.width - Int64(left)
      if left >= 0, left + reach <= Int(window.width) {
        kernels_depthwise_strip(&tile, kernel, stride, rows, false, splat(bias))
      } else {
        kernels_depthwise_strip(&tile, kernel, stride, rows, true, splat(bias))
      }
      x += 16
    }
    y += Int(rows)
  }
}

/// A tile at the begin of output rows `y` ….
@inline(__always)
private func place(
  _ image: kernels_tile, _ window: kernels_window, y: Int, rows: Int, pixel: Int
) -> kernels_tile {
  var tile = image
  let top = y * Int(window.stride_y) - Int(window.pad_top)
  tile.row_stride = window.width * Int64(pixel)
  tile.pixel_stride = Int64(pixel)
  tile.target_row = window.out_width * Int64(pixel)
  tile.target_pixel = Int64(pixel)
  tile.source = image.source + top * Int(tile.row_stride)
  tile.target = image.target + y * Int(tile.target_row)
  tile.residual = image.residual.map { $0 + y * Int(tile.target_row) }
  tile.first_row = Int64(-top)
  tile.end_row = window.height - Int64(top)
  tile.rows = Int64(rows)
  return tile
}

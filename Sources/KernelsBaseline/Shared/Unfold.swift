public import CKernels

extension Level {
  /// Writes the panel of a convolution's right-hand matrix for `count` (1 … panelWidth) output positions
  /// from `firstPosition` on: a row of panelWidth values for each channel and tap, zeros in the padding
  /// and beyond `count`.
  ///
  /// - Parameter input: [channels, height, width], the channels of one group.
  public static func unfoldPanel(
    _ window: UnsafePointer<kernels_window>, _ input: UnsafePointer<Float>, channels: Int, firstPosition: Int,
    count: Int, _ target: UnsafeMutablePointer<Float>
  ) {
    let window = window.pointee
    let taps = Int(window.kernel_height * window.kernel_width)
    let plane = Int(window.height * window.width)
    let rowStep = taps * panelWidth
    if count < panelWidth {
      for index in 0..<(channels * rowStep) { target[index] = 0 }
    }
    let outWidth = Int(window.out_width)
    for tap in 0..<taps {
      let tapY = tap / Int(window.kernel_width) * Int(window.dilation_y) - Int(window.pad_top)
      let tapX = tap % Int(window.kernel_width) * Int(window.dilation_x) - Int(window.pad_left)
      var done = 0
      while done < count {
        let position = firstPosition + done
        let y = position / outWidth
        let x = position % outWidth
        let length = lesser(outWidth - x, count - done)
        let sourceY = y * Int(window.stride_y) + tapY
        let sourceX = x * Int(window.stride_x) + tapX
        let to = target + tap * panelWidth + done
        let isOutside = sourceY < 0 || sourceY >= Int(window.height)
        let row = isOutside ? nil : input + sourceY * Int(window.width)
        unfoldRun(
          row, from: sourceX, step: Int(window.stride_x), width: Int(window.width), length: length,
          channels: channels, plane: plane, to, rowStep: rowStep)
        done += length
      }
    }
  }

  /// Writes rows of a convolution's left-hand matrix, for channels-last images: for each of `count`
  /// output positions from `firstPosition` on, all taps' channels, zeros in the padding.
  ///
  /// - Parameters:
  ///   - input: [height, width, pixelStride], at the first channel of the group.
  ///   - target: [count, taps · channels].
  public static func unfoldRows(
    _ window: UnsafePointer<kernels_window>, _ input: UnsafePointer<Float>, channels: Int, pixelStride: Int,
    firstPosition: Int, count: Int, _ target: UnsafeMutablePointer<Float>
  ) {
    let window = window.pointee
    // The taps of a row lie together, as do their pixels.
    let isRun = window.dilation_x == 1 && pixelStride == channels
    var to = target
    for position in firstPosition..<(firstPosition + count) {
      let y = position / Int(window.out_width) * Int(window.stride_y) - Int(window.pad_top)
      let x = position % Int(window.out_width) * Int(window.stride_x) - Int(window.pad_left)
      for tapY in 0..<Int(window.kernel_height) {
        let sourceY = y + tapY * Int(window.dilation_y)
        if isRun {
          unfoldRow(window, input, channels, sourceY, x, to)
          to += Int(window.kernel_width) * channels
          continue
        }
        for tapX in 0..<Int(window.kernel_width) {
          let sourceX = x + tapX * Int(window.dilation_x)
          if sourceY < 0 || sourceY >= Int(window.height) || sourceX < 0 || sourceX >= Int(window.width) {
            forEachPart(channels) { index, part in storePart(to + index, splat(0), part) }
          } else {
            let from = input + (sourceY * Int(window.width) + sourceX) * pixelStride
            forEachPart(channels) { index, part in storePart(to + index, loadPart(from + index, part), part) }
          }
          to += channels
        }
      }
    }
  }
}

extension Level {
  /// Writes `count` values of a row that has `left` zeros before it and as many behind it as are asked for.
  ///
  /// - Parameter row: nil for nothing but zeros.
  public static func padRow(
    _ row: UnsafePointer<Float>?, length: Int, left: Int, _ target: UnsafeMutablePointer<Float>, count: Int
  ) {
    let first = row == nil ? count : lesser(left, count)
    let end = row == nil ? count : lesser(left + length, count)
    forEachPart(first) { index, part in storePart(target + index, splat(0), part) }
    if let row {
      forEachPart(end - first) { index, part in
        storePart(target + first + index, loadPart(row + index, part), part)
      }
    }
    forEachPart(count - end) { index, part in storePart(target + end + index, splat(0), part) }
  }

  /// target[pixel · channels + channel] = source[channel · plane + pixel], for few channels.
  public static func interleavePlanes(
    _ source: UnsafePointer<Float>, channels: Int, plane: Int, _ target: UnsafeMutablePointer<Float>,
    count: Int
  ) {
    @inline(__always)
    func interleave(_ channels: Int) {
      for pixel in 0..<count {
        for channel in 0..<channels {
          target[pixel * channels + channel] = source[channel * plane + pixel]
        }
      }
    }
    switch channels {
    case 1: interleave(1)
    case 2: interleave(2)
    case 3: interleave(3)
    default: interleave(channels)
    }
  }
}

/// One pixel's taps of one kernel row, of dense channels-last pixels: a copy, with zeros where it leaves the image.
@inline(__always)
private func unfoldRow(
  _ window: kernels_window, _ input: UnsafePointer<Float>, _ channels: Int, _ y: Int, _ x: Int,
  _ target: UnsafeMutablePointer<Float>
) {
  let taps = Int(window.kernel_width)
  let isOutside = y < 0 || y >= Int(window.height)
  let first = isOutside ? taps : lesser(taps, greater(0, -x))
  let end = isOutside ? taps : greater(first, lesser(taps, Int(window.width) - x))
  forEachPart(first * channels) { index, part in storePart(target + index, splat(0), part) }
  let from = input + (y * Int(window.width) + x + first) * channels
  let to = target + first * channels
  forEachPart((end - first) * channels) { index, part in
    storePart(to + index, loadPart(from + index, part), part)
  }
  let rest = target + end * channels
  forEachPart((taps - end) * channels) { index, part in storePart(rest + index, splat(0), part) }
}

/// A run of positions within one output row, for all channels. `row` is nil if the run lies in the
/// padding above or below.
@inline(__always)
private func unfoldRun(
  _ row: UnsafePointer<Float>?, from start: Int, step: Int, width: Int, length: Int, channels: Int,
  plane: Int,
  _ target: UnsafeMutablePointer<Float>, rowStep: Int
) {
  var first = length
  var end = length
  if row != nil {
    // The positions whose source lies within the row: first ..< end.
    first = start >= 0 ? 0 : lesser(length, (-start + step - 1) / step)
    end = start >= width ? first : lesser(length, (width - 1 - start) / step + 1)
    if end < first { end = first }
  }
  for channel in 0..<channels {
    let to = target + channel * rowStep
    for index in 0..<first { to[index] = 0 }
    if let row {
      let source = row + channel * plane + start
      if step == 1 {
        forEachPart(end - first) { index, part in
          storePart(to + first + index, loadPart(source + first + index, part), part)
        }
      } else if step == 2 {
        // The second vector ends with the last value that is needed, not with the one behind it.
        forEachPart(end - first) { index, part in
          let from = source + (first + index) * 2
          let low = loadPart(from, lesser(16, 2 * part - 1))
          let high = part > 8 ? lanes_load_part(from + 16, Int64(2 * part - 17), 0) : splat(0)
          storePart(to + first + index, lanes_even(low, high), part)
        }
      } else {
        for index in first..<end { to[index] = source[index * step] }
      }
    }
    for index in end..<length { to[index] = 0 }
  }
}

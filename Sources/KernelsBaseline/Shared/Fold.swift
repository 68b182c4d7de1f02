public import CKernels

extension Level {
  /// Adds the products of a transposed convolution to the pixels that they belong to: the reverse of
  /// `unfoldPanel`, for `count` of the small image's positions from `firstPosition` on.
  ///
  /// - Parameters:
  ///   - window: of the convolution that is transposed: its input is the large image.
  ///   - sums: [channels · taps, row], one column a position.
  ///   - output: [channels, height, width].
  public static func foldPanel(
    _ window: UnsafePointer<kernels_window>, _ sums: UnsafePointer<Float>, row: Int, channels: Int,
    firstPosition: Int, count: Int, _ output: UnsafeMutablePointer<Float>
  ) {
    let window = window.pointee
    let taps = Int(window.kernel_height * window.kernel_width)
    let plane = Int(window.height * window.width)
    let smallWidth = Int(window.out_width)
    for line in 0..<(channels * taps) {
      let tapY = line % taps / Int(window.kernel_width) * Int(window.dilation_y) - Int(window.pad_top)
      let tapX = line % Int(window.kernel_width) * Int(window.dilation_x) - Int(window.pad_left)
      var done = 0
      while done < count {
        let (y, x) = ((firstPosition + done) / smallWidth, (firstPosition + done) % smallWidth)
        let length = lesser(smallWidth - x, count - done)
        let targetY = y * Int(window.stride_y) + tapY
        if targetY >= 0, targetY < Int(window.height) {
          foldRun(
            sums + line * row + done, length: length, from: x * Int(window.stride_x) + tapX,
            step: Int(window.stride_x), width: Int(window.width),
            output + line / taps * plane + targetY * Int(window.width))
        }
        done += length
      }
    }
  }
}

/// Adds values to every `step`-th pixel of a row from `start` on, as far as they lie within it.
@inline(__always)
private func foldRun(
  _ values: UnsafePointer<Float>, length: Int, from start: Int, step: Int, width: Int,
  _ row: UnsafeMutablePointer<Float>
) {
  let first = start >= 0 ? 0 : lesser(length, (-start + step - 1) / step)
  let end = start >= width ? first : greater(first, lesser(length, (width - 1 - start) / step + 1))
  let target = row + start
  if step == 1 {
    forEachPart(end - first) { index, part in
      let place = target + first + index
      storePart(place, loadPart(place, part) + loadPart(values + first + index, part), part)
    }
  } else {
    for index in first..<end { target[index * step] += values[index] }
  }
}

public import CKernels

extension Level {
  /// Taps that `depthwisePlane` takes at most.
  public static let maximumTaps = 128

  /// Floats of scratch that `depthwisePlane` needs.
  public static func depthwiseScratchCount(_ window: kernels_window) -> Int {
    (paddedHeight(window) * phaseLength(window) * Int(window.stride_x) + 79) / 16 * 16 + 2 * maximumTaps
  }

  /// One plane of a depthwise convolution: output[outHeight, outWidth] = Σ weight · input, without an epilogue.
  ///
  /// The plane is first copied with its padding, and with every `stride_x`-th column together, so that
  /// each tap of a vector of outputs is one contiguous load.
  public static func depthwisePlane(
    _ window: UnsafePointer<kernels_window>, _ input: UnsafePointer<Float>, weights: UnsafePointer<Float>,
    _ output: UnsafeMutablePointer<Float>, scratch: UnsafeMutablePointer<Float>
  ) {
    let window = window.pointee
    copyPadded(window, input, scratch)
    let outWidth = Int(window.out_width)
    let rowLength = phaseLength(window) * Int(window.stride_x)
    let offsets = UnsafeMutableRawPointer(scratch + depthwiseScratchCount(window) - 2 * maximumTaps)
      .assumingMemoryBound(to: Int.self)
    let taps = Int(window.kernel_height * window.kernel_width)
    for tap in 0..<taps {
      offsets[tap] = tapOffset(window, tap / Int(window.kernel_width), tap % Int(window.kernel_width))
    }
    for y in 0..<Int(window.out_height) {
      let rows = scratch + y * Int(window.stride_y) * rowLength
      let target = output + y * outWidth
      var x = 0
      while x + 64 <= outWidth {
        depthwiseQuad(taps, offsets, rows + x, weights, target + x)
        x += 64
      }
      while x < outWidth {
        let part = lesser(16, outWidth - x)
        storePart(target + x, depthwiseVector(taps, offsets, rows + x, weights), part)
        x += 16
      }
    }
  }

  /// Output row `y` of a depthwise convolution of channels-last images, without an epilogue:
  /// output[outWidth, channels] from input[height, width, channels].
  ///
  /// - Parameter weights: [kernelHeight, kernelWidth, channels].
  public static func depthwiseRow(
    _ window: UnsafePointer<kernels_window>, _ input: UnsafePointer<Float>, weights: UnsafePointer<Float>,
    channels: Int, y: Int, _ output: UnsafeMutablePointer<Float>
  ) {
    let window = window.pointee
    let top = y * Int(window.stride_y) - Int(window.pad_top)
    let step = Int(window.stride_x)
    let reach = Int((window.kernel_width - 1) * window.dilation_x)
    // Outputs from `first` on and before `end` have all their columns within the image.
    let first = lesser(Int(window.out_width), (Int(window.pad_left) + step - 1) / step)
    let room = Int(window.width) - 1 - reach + Int(window.pad_left)
    let end = greater(first, room < 0 ? 0 : lesser(Int(window.out_width), room / step + 1))
    forEachPart(channels) { channel, part in
      let source = input + channel
      let weights = weights + channel
      let target = output + channel
      var x = 0
      while x < Int(window.out_width) {
        if x >= first, x + 4 <= end {
          depthwisePixels(
            window, source, weights, channels, top, x * step - Int(window.pad_left), part,
            target + x * channels)
          x += 4
        } else {
          depthwisePixel(
            window, source, weights, channels, top, x * step - Int(window.pad_left), part,
            target + x * channels)
          x += 1
        }
      }
    }
  }
}

/// One pixel's vector of channels, some of whose taps may lie in the padding.
@inline(__always)
private func depthwisePixel(
  _ window: kernels_window, _ input: UnsafePointer<Float>, _ weights: UnsafePointer<Float>, _ channels: Int,
  _ top: Int, _ left: Int, _ part: Int, _ target: UnsafeMutablePointer<Float>
) {
  var sum = splat(0)
  for tapY in 0..<Int(window.kernel_height) {
    let sourceY = top + tapY * Int(window.dilation_y)
    if sourceY < 0 || sourceY >= Int(window.height) { continue }
    for tapX in 0..<Int(window.kernel_width) {
      let sourceX = left + tapX * Int(window.dilation_x)
      if sourceX < 0 || sourceX >= Int(window.width) { continue }
      let value = loadPart(input + (sourceY * Int(window.width) + sourceX) * channels, part)
      let weight = loadPart(weights + (tapY * Int(window.kernel_width) + tapX) * channels, part)
      sum = lanes_multiply_add(value, weight, sum)
    }
  }
  storePart(target, sum, part)
}

/// Four neighbouring pixels whose columns all lie within the image: each weight is loaded once for them.
@inline(__always)
private func depthwisePixels(
  _ window: kernels_window, _ input: UnsafePointer<Float>, _ weights: UnsafePointer<Float>, _ channels: Int,
  _ top: Int, _ left: Int, _ part: Int, _ target: UnsafeMutablePointer<Float>
) {
  var s0 = splat(0)
  var s1 = splat(0)
  var s2 = splat(0)
  var s3 = splat(0)
  let pixel = Int(window.stride_x) * channels
  for tapY in 0..<Int(window.kernel_height) {
    let sourceY = top + tapY * Int(window.dilation_y)
    if sourceY < 0 || sourceY >= Int(window.height) { continue }
    var source = input + (sourceY * Int(window.width) + left) * channels
    var weight = weights + tapY * Int(window.kernel_width) * channels
    for _ in 0..<Int(window.kernel_width) {
      let factor = loadPart(weight, part)
      s0 = lanes_multiply_add(loadPart(source, part), factor, s0)
      s1 = lanes_multiply_add(loadPart(source + pixel, part), factor, s1)
      s2 = lanes_multiply_add(loadPart(source + 2 * pixel, part), factor, s2)
      s3 = lanes_multiply_add(loadPart(source + 3 * pixel, part), factor, s3)
      source += Int(window.dilation_x) * channels
      weight += channels
    }
  }
  storePart(target, s0, part)
  storePart(target + channels, s1, part)
  storePart(target + 2 * channels, s2, part)
  storePart(target + 3 * channels, s3, part)
}

/// Rows that the outputs reach over.
@inline(__always)
private func paddedHeight(_ window: kernels_window) -> Int {
  Int((window.out_height - 1) * window.stride_y + (window.kernel_height - 1) * window.dilation_y) + 1
}

/// Columns of a padded row that share a remainder modulo the stride, and a vector that loads run over.
@inline(__always)
private func phaseLength(_ window: kernels_window) -> Int {
  Int(window.out_width + (window.kernel_width - 1) * window.dilation_x / window.stride_x) + 17
}

private func copyPadded(
  _ window: kernels_window, _ input: UnsafePointer<Float>, _ target: UnsafeMutablePointer<Float>
) {
  let stride = Int(window.stride_x)
  let phase = phaseLength(window)
  let left = Int(window.pad_left)
  let width = Int(window.width)
  for row in 0..<paddedHeight(window) {
    let to = target + row * phase * stride
    let sourceY = row - Int(window.pad_top)
    forEachPart(phase * stride) { index, part in storePart(to + index, splat(0), part) }
    if sourceY < 0 || sourceY >= Int(window.height) { continue }
    let from = input + sourceY * width
    if stride == 1 {
      let length = lesser(width, phase - left)
      if length > 0 {
        forEachPart(length) { index, part in storePart(to + left + index, loadPart(from + index, part), part)
        }
      }
    } else {
      for remainder in 0..<stride {
        // The first column of the input with this remainder, and its place.
        let first = greater(0, (left - remainder + stride - 1) / stride)
        let start = first * stride + remainder - left
        let length = start >= width ? 0 : lesser((width - 1 - start) / stride + 1, phase - first)
        let run = to + remainder * phase + first
        for index in 0..<greater(0, length) { run[index] = from[start + index * stride] }
      }
    }
  }
}

/// Where tap (y, x) of the output at the row's begin lies in the padded copy.
@inline(__always)
private func tapOffset(_ window: kernels_window, _ tapY: Int, _ tapX: Int) -> Int {
  let phase = phaseLength(window)
  let stride = Int(window.stride_x)
  let column = tapX * Int(window.dilation_x)
  return tapY * Int(window.dilation_y) * phase * stride + column % stride * phase + column / stride
}

@inline(__always)
private func depthwiseVector(
  _ taps: Int, _ offsets: UnsafePointer<Int>, _ rows: UnsafePointer<Float>, _ weights: UnsafePointer<Float>
) -> lanes_f32 {
  var sum = splat(0)
  for tap in 0..<taps {
    sum = lanes_multiply_add(lanes_load(rows + offsets[tap]), splat(weights[tap]), sum)
  }
  return sum
}

/// Sixty-four outputs: four sums at once hide the multiplier's latency.
@inline(__always)
private func depthwiseQuad(
  _ taps: Int, _ offsets: UnsafePointer<Int>, _ rows: UnsafePointer<Float>, _ weights: UnsafePointer<Float>,
  _ target: UnsafeMutablePointer<Float>
) {
  var s0 = splat(0)
  var s1 = splat(0)
  var s2 = splat(0)
  var s3 = splat(0)
  for tap in 0..<taps {
    let source = rows + offsets[tap]
    let weight = splat(weights[tap])
    s0 = lanes_multiply_add(lanes_load(source), weight, s0)
    s1 = lanes_multiply_add(lanes_load(source + 16), weight, s1)
    s2 = lanes_multiply_add(lanes_load(source + 32), weight, s2)
    s3 = lanes_multiply_add(lanes_load(source + 48), weight, s3)
  }
  lanes_store(target, s0)
  lanes_store(target + 16, s1)
  lanes_store(target + 32, s2)
  lanes_store(target + 48, s3)
}

public import CKernels

extension Level {
  /// Columns of input that one step of `poolPlane` can reach over at most; wider windows are not for it.
  public static let poolReach = 400

  /// One plane of a two-dimensional pooling.
  ///
  /// Each output row is made in steps: the window's rows are combined, a vector of columns at a time, into
  /// one row on the stack, and then its columns.
  ///
  /// - Parameters:
  ///   - isMaximum: the greatest, NaN if any is; else the mean.
  ///   - padBottom: with `padRight`, padded positions count in the mean; negative if they do not.
  public static func poolPlane(
    _ window: UnsafePointer<kernels_window>, isMaximum: Bool, padBottom: Int, padRight: Int,
    _ input: UnsafePointer<Float>, _ output: UnsafeMutablePointer<Float>
  ) {
    let window = window.pointee
    let strideX = Int(window.stride_x)
    let reach = Int((window.kernel_width - 1) * window.dilation_x)
    let step = greater(1, lesser(64, (poolReach + 48 - reach) / strideX))
    var room = lanes_room()
    withUnsafeMutablePointer(to: &room) { room in
      let combined = UnsafeMutableRawPointer(room).assumingMemoryBound(to: Float.self)
      for y in 0..<Int(window.out_height) {
        let taps = makeTaps(
          first: y * Int(window.stride_y) - Int(window.pad_top), step: Int(window.dilation_y),
          count: Int(window.kernel_height), extent: Int(window.height), padAfter: padBottom)
        var x = 0
        while x < Int(window.out_width) {
          let end = lesser(x + step, Int(window.out_width))
          let left = greater(0, x * strideX - Int(window.pad_left))
          let right = lesser(Int(window.width), (end - 1) * strideX - Int(window.pad_left) + reach + 1)
          combineRows(input + left, taps, width: Int(window.width), count: right - left, isMaximum, combined)
          for column in x..<end {
            output[y * Int(window.out_width) + column] = combineColumns(
              window, combined - left, taps, column: column, padRight: padRight, isMaximum)
          }
          x = end
        }
      }
    }
  }
}

/// The positions along one axis that a window touches: first + i · step, for i in inside.
private typealias Taps = (first: Int, step: Int, begin: Int, end: Int, counted: Int)

@inline(__always)
private func makeTaps(first: Int, step: Int, count: Int, extent: Int, padAfter: Int) -> Taps {
  let begin = first >= 0 ? 0 : lesser(count, (-first + step - 1) / step)
  let end = first >= extent ? begin : greater(begin, lesser(count, (extent - 1 - first) / step + 1))
  if padAfter < 0 { return (first, step, begin, end, end - begin) }
  let padded = extent + padAfter
  let last = first >= padded ? 0 : lesser(count, (padded - 1 - first) / step + 1)
  return (first, step, begin, end, last)
}

@inline(__always)
private func combineRows(
  _ input: UnsafePointer<Float>, _ taps: Taps, width: Int, count: Int, _ isMaximum: Bool,
  _ target: UnsafeMutablePointer<Float>
) {
  if count <= 0 { return }
  let start = splat(isMaximum ? -.infinity : 0)
  forEachPart(count) { index, part in
    var value = start
    for tap in taps.begin..<taps.end {
      let row = loadPart(input + (taps.first + tap * taps.step) * width + index, part)
      value = isMaximum ? lanes_maximum(value, row) : value + row
    }
    storePart(target + index, value, part)
  }
}

@inline(__always)
private func combineColumns(
  _ window: kernels_window, _ row: UnsafePointer<Float>, _ vertical: Taps, column: Int, padRight: Int,
  _ isMaximum: Bool
) -> Float {
  let taps = makeTaps(
    first: column * Int(window.stride_x) - Int(window.pad_left), step: Int(window.dilation_x),
    count: Int(window.kernel_width), extent: Int(window.width), padAfter: padRight)
  let source = row + taps.first
  if isMaximum {
    var greatest = -Float.infinity
    for tap in taps.begin..<taps.end {
      let value = source[tap * taps.step]
      if value > greatest || value != value { greatest = value }
    }
    return greatest
  }
  var sum: Float = 0
  for tap in taps.begin..<taps.end { sum += source[tap * taps.step] }
  let count = vertical.counted * taps.counted
  return count == 0 ? 0 : sum / Float(count)
}

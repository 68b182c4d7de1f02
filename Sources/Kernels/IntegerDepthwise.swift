internal import CKernels

/// Room for a few rows of a depthwise convolution of 8-bit integers as floats: whole numbers below 2²⁴, and
/// so exact.
struct DepthwiseRoom {
  /// Output rows of a block; 0 where the floats' kernel has no tiles for the window.
  let rows: Int
  /// Floats of the input rows that a block reads, and with those of its sums.
  let inputCount: Int
  let count: Int

  init(_ convolution: IntegerConvolution, _ window: kernels_window) {
    guard convolution.method == .depthwise, convolution.table.level.hasDepthwiseTiles(window) else {
      (rows, inputCount, count) = (0, 0, 0)
      return
    }
    let channels = convolution.parameters.inputChannels
    let (stride, kernel) = (Int(window.stride_y), Int(window.kernel_height))
    let (inputRow, outputRow) = (Int(window.width) * channels, Int(window.out_width) * channels)
    // What fits half of a second-level cache of 1 MiB, and even: the tiles have two rows.
    let fitting = (128 * 1024 - (kernel - stride) * inputRow) / max(stride * inputRow + outputRow, 1)
    rows = min(max(fitting / 2 * 2, 2), 8)
    inputCount = (((rows - 1) * stride + kernel) * inputRow + 15) / 16 * 16
    count = inputCount + rows * outputRow
  }
}

extension IntegerConvolution {
  /// Items are output rows: (image, y).
  func depthwiseBlocks(
    _ input: IntegerMatrix, _ window: kernels_window, _ jobs: IntegerConvolutionJobs,
    _ output: IntegerOutput, _ items: Range<Int>, _ scratch: UnsafeMutableRawPointer
  ) {
    let height = Int(window.out_height)
    var item = items.lowerBound
    while item < items.upperBound {
      let y = item % height
      let rows = min(jobs.depthwise.rows, height - y, items.upperBound - item)
      depthwiseBlock(
        input, window, jobs.depthwise, output, image: item / height, y: y, rows: rows,
        scratch.assumingMemoryBound(to: Float.self))
      item += rows
    }
  }

  private func depthwiseBlock(
    _ input: IntegerMatrix, _ window: kernels_window, _ room: DepthwiseRoom, _ output: IntegerOutput,
    image: Int, y: Int, rows: Int, _ scratch: UnsafeMutablePointer<Float>
  ) {
    guard let weights = depthwiseWeights else { return }
    let channels = parameters.inputChannels
    let top = y * Int(window.stride_y) - Int(window.pad_top)
    let first = min(max(top, 0), Int(window.height))
    let end = max(
      first, min(top + (rows - 1) * Int(window.stride_y) + Int(window.kernel_height), Int(window.height)))
    let inputRow = Int(window.width) * channels
    let bytes = input.bytes.assumingMemoryBound(to: UInt8.self)
    table.level.dequantize(
      bytes + image * window.inputPlane * channels + first * inputRow, isSigned: input.isSigned,
      count: (end - first) * inputRow, scale: 1, zeroPoint: input.zeroPoint[0], scratch)
    var block = window
    block.height = Int64(end - first)
    block.out_height = Int64(rows)
    block.pad_top = Int64(first - top)
    let sums = scratch + room.inputCount
    var tile = kernels_tile()
    tile.source = UnsafePointer(scratch)
    tile.target = sums
    tile.weights = UnsafePointer(weights.floats)
    (tile.low, tile.high) = (-.infinity, .infinity)
    table.level.depthwiseTiles(&block, &tile, bias: nil, channels: channels, firstRow: 0, endRow: rows)
    let start = image * window.outputPlane
    var product = kernels_short_product(
      MatmulShape(m: window.outputPlane, n: channels, k: 0),
      output.from(element: start * channels, strideC: channels))
    table.level.finishWholeNumbers(
      &product, sums, firstRow: y * Int(window.out_width), rows: rows * Int(window.out_width))
  }
}

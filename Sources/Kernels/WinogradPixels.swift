internal import CKernels

// The block's pixels, before and after: where they are, or transposed from planes and to them.
extension WinogradBlock {
  private func tiles() -> kernels_tiles {
    var tiles = kernels_tiles()
    tiles.rows = Int64(rows)
    tiles.columns = Int64(columns)
    return tiles
  }

  /// The input of a channels-last image, read where it is.
  func pixelSource() -> kernels_tiles {
    var tiles = tiles()
    tiles.source = images.input + image * window.inputPlane * inputs
    tiles.row_stride = window.width * Int64(inputs)
    tiles.pixel_stride = Int64(inputs)
    tiles.height = window.height
    tiles.width = window.width
    tiles.top = Int64(top) - window.pad_top
    tiles.left = Int64(left) - window.pad_left
    return points(tiles, scratch, inputs, plan.inputPoint, plan.inputStride)
  }

  private func points(
    _ tiles: kernels_tiles, _ values: UnsafeMutablePointer<Float>, _ channels: Int, _ point: Int, _ tile: Int
  ) -> kernels_tiles {
    var tiles = tiles
    tiles.channels = Int64(channels)
    tiles.points = values
    tiles.point_stride = Int64(point)
    tiles.tile_stride = Int64(tile)
    return tiles
  }

  /// The pixels that the block reads from planes, transposed to channels last.
  func readPlanes(_ team: ThreadTeam) -> kernels_tiles {
    let firstY = max(0, top - Int(window.pad_top))
    let endY = max(firstY, min(Int(window.height), top - Int(window.pad_top) + rows * plan.outputs + 2))
    let firstX = max(0, left - Int(window.pad_left))
    let endX = max(firstX, min(Int(window.width), left - Int(window.pad_left) + columns * plan.outputs + 2))
    let target = scratch + room.inputPixels
    let source = images.input + image * inputs * window.inputPlane + firstY * Int(window.width) + firstX
    let parts = Partition((inputs + 15) / 16, parts: team.width)
    team.parallelFor(parts.parts) { part in
      let first = parts[part].lowerBound * 16
      let channels = min(inputs, parts[part].upperBound * 16) - first
      // Whole rows lie together and are one long run.
      let isWhole = endX - firstX == Int(window.width)
      let count = isWhole ? (endY - firstY) * Int(window.width) : endX - firstX
      for row in 0..<(isWhole ? 1 : endY - firstY) {
        level.transpose(
          elementSize: 4, source + first * window.inputPlane + row * Int(window.width), rows: channels,
          columns: count, sourceRow: window.inputPlane,
          target + row * (endX - firstX) * plan.inputStride + first, targetRow: plan.inputStride)
      }
    }
    var tiles = tiles()
    tiles.source = UnsafePointer(target)
    tiles.row_stride = Int64((endX - firstX) * plan.inputStride)
    tiles.pixel_stride = Int64(plan.inputStride)
    tiles.height = Int64(endY - firstY)
    tiles.width = Int64(endX - firstX)
    tiles.top = Int64(top - firstY) - window.pad_top
    tiles.left = Int64(left - firstX) - window.pad_left
    return points(tiles, scratch, inputs, plan.inputPoint, plan.inputStride)
  }

  /// The output of a channels-last image, finished where it is.
  func pixelTarget() -> kernels_tiles {
    var tiles = tiles()
    let offset = image * window.outputPlane * outputs
    tiles.target = images.output + offset
    tiles.residual = images.residual.map { $0 + offset }
    tiles.row_stride = window.out_width * Int64(outputs)
    tiles.pixel_stride = Int64(outputs)
    tiles.height = window.out_height
    tiles.width = window.out_width
    tiles.top = Int64(top)
    tiles.left = Int64(left)
    tiles.bias = convolution.bias.map { UnsafePointer($0.floats) }
    (tiles.low, tiles.high) = convolution.activation.clipBounds
    return points(tiles, scratch + room.products, outputs, plan.outputPoint, plan.outputStride)
  }

  /// The output of a channels-first image, before its transposition.
  func planeTarget() -> kernels_tiles {
    var tiles = tiles()
    tiles.target = scratch + room.outputPixels
    tiles.row_stride = Int64(width * plan.outputStride)
    tiles.pixel_stride = Int64(plan.outputStride)
    tiles.height = Int64(height)
    tiles.width = Int64(width)
    tiles.bias = convolution.bias.map { UnsafePointer($0.floats) }
    let isLast = images.residual == nil
    (tiles.low, tiles.high) = isLast ? convolution.activation.clipBounds : (-.infinity, .infinity)
    return points(tiles, scratch + room.products, outputs, plan.outputPoint, plan.outputStride)
  }

  func finishPixels() {
    for y in 0..<height {
      let pixel = image * window.outputPlane + (top + y) * Int(window.out_width) + left
      convolution.finishClipped(images.activation, images.output + pixel * outputs, width * outputs)
    }
  }

  func writePlanes(_ team: ThreadTeam) {
    let source = scratch + room.outputPixels
    let plane = window.outputPlane
    let outWidth = Int(window.out_width)
    let offset = image * outputs * plane + top * outWidth + left
    let parts = Partition((outputs + 15) / 16, parts: team.width)
    team.parallelFor(parts.parts) { part in
      let first = parts[part].lowerBound * 16
      let channels = min(outputs, parts[part].upperBound * 16) - first
      let isWhole = width == outWidth
      let count = isWhole ? height * width : width
      for row in 0..<(isWhole ? 1 : height) {
        level.transpose(
          elementSize: 4, source + row * width * plan.outputStride + first, rows: count, columns: channels,
          sourceRow: plan.outputStride, images.output + offset + first * plane + row * outWidth,
          targetRow: plane)
      }
      finishPlanes(first, channels, offset)
    }
  }

  private func finishPlanes(_ first: Int, _ channels: Int, _ offset: Int) {
    let outWidth = Int(window.out_width)
    if convolution.activation.isClip && images.residual == nil { return }
    for channel in first..<(first + channels) {
      let start = offset + channel * window.outputPlane
      var epilogue = kernels_epilogue(convolution.activation.code)
      epilogue.residual = images.residual.map { $0 + start }
      epilogue.residual_stride = Int64(outWidth)
      level.finish(
        &epilogue, images.output + start, sourceRow: outWidth, images.output + start, cRow: outWidth,
        rows: height, columns: width)
    }
  }
}

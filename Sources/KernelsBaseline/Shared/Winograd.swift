public import CKernels

extension Level {
  /// Transforms tiles of an image: points[y · 6 + x] = (Bᵀ d B)[y, x] of each tile and channel, for tiles
  /// `firstTile` … `endTile − 1`. With `outputs` 2 instead of 4 there are 4 places for 6.
  public static func winogradForward(
    _ tiles: UnsafePointer<kernels_tiles>, outputs: Int, firstTile: Int, endTile: Int
  ) {
    if outputs == 4 {
      forward(Winograd4.self, tiles, firstTile, endTile)
    } else {
      forward(Winograd2.self, tiles, firstTile, endTile)
    }
  }

  /// Transforms products back and finishes them: target = clip(Aᵀ m A + bias + residual), for tiles
  /// `firstTile` … `endTile − 1`. Only pixels within the target are written.
  public static func winogradBackward(
    _ tiles: UnsafePointer<kernels_tiles>, outputs: Int, firstTile: Int, endTile: Int
  ) {
    if outputs == 4 {
      backward(Winograd4.self, tiles, firstTile, endTile)
    } else {
      backward(Winograd2.self, tiles, firstTile, endTile)
    }
  }

  /// Transforms filters [outputChannels, inputChannels, 3, 3] for one place of evaluation after the other
  /// and packs each as the right-hand matrix [inputChannels, outputChannels] of a product.
  ///
  /// - Parameters:
  ///   - room: places · panelWidth · inputChannels floats.
  ///   - target: for each place, the panels of its matrix.
  public static func winogradFilters(
    _ weights: UnsafePointer<Float>, outputs: Int, inputChannels: Int, outputChannels: Int,
    room: UnsafeMutablePointer<Float>, _ target: UnsafeMutablePointer<Float>
  ) {
    if outputs == 4 {
      filters(Winograd4.self, weights, inputChannels, outputChannels, room, target)
    } else {
      filters(Winograd2.self, weights, inputChannels, outputChannels, room, target)
    }
  }
}

private func forward<Transform: WinogradTransform>(
  _ transform: Transform.Type, _ tiles: UnsafePointer<kernels_tiles>, _ firstTile: Int, _ endTile: Int
) {
  let image = tiles.pointee
  let points = transform.points
  guard let source = image.source, let values = image.points, let room = image.room else { return }
  for tile in firstTile..<endTile {
    let top = Int(image.top) + tile / Int(image.columns) * transform.outputs
    let left = Int(image.left) + tile % Int(image.columns) * transform.outputs
    let isInside =
      top >= 0 && left >= 0 && top + points <= Int(image.height) && left + points <= Int(image.width)
    let first = source + top * Int(image.row_stride) + left * Int(image.pixel_stride)
    let target = values + tile * Int(image.tile_stride)
    forEachPart(Int(image.channels)) { channel, part in
      if isInside, part == 16 {
        for x in 0..<points {
          transform.forward(
            first + channel + x * Int(image.pixel_stride), Int(image.row_stride), room + x * 16, 16 * points)
        }
      } else {
        gather(transform, image, top, left, channel, part, room)
      }
      for y in 0..<points {
        let place = y * points * Int(image.point_stride)
        transform.forward(
          room + y * points * 16, 16, target + place + channel, Int(image.point_stride))
      }
    }
  }
}

/// A tile of which some pixels lie outside of the image, or channels beyond the last: the first of the
/// two transforms.
private func gather<Transform: WinogradTransform>(
  _ transform: Transform.Type, _ image: kernels_tiles, _ top: Int, _ left: Int, _ channel: Int, _ part: Int,
  _ room: UnsafeMutablePointer<Float>
) {
  let points = transform.points
  guard let source = image.source else { return }
  for y in 0..<points {
    for x in 0..<points {
      let isInside =
        top + y >= 0 && top + y < Int(image.height) && left + x >= 0 && left + x < Int(image.width)
      let pixel = (top + y) * Int(image.row_stride) + (left + x) * Int(image.pixel_stride)
      let value = isInside ? loadPart(source + pixel + channel, part) : splat(0)
      lanes_store(room + (y * points + x) * 16, value)
    }
  }
  for x in 0..<points { transform.forward(room + x * 16, 16 * points, room + x * 16, 16 * points) }
}

private func backward<Transform: WinogradTransform>(
  _ transform: Transform.Type, _ tiles: UnsafePointer<kernels_tiles>, _ firstTile: Int, _ endTile: Int
) {
  let image = tiles.pointee
  let (points, outputs) = (transform.points, transform.outputs)
  guard let values = image.points, let room = image.room else { return }
  for tile in firstTile..<endTile {
    let top = Int(image.top) + tile / Int(image.columns) * outputs
    let left = Int(image.left) + tile % Int(image.columns) * outputs
    let source = values + tile * Int(image.tile_stride)
    let rows = lesser(outputs, Int(image.height) - top)
    let columns = lesser(outputs, Int(image.width) - left)
    forEachPart(Int(image.channels)) { channel, part in
      for x in 0..<points {
        transform.backward(
          source + x * Int(image.point_stride) + channel, points * Int(image.point_stride), room + x * 16,
          16 * points)
      }
      for y in 0..<rows {
        let row = room + y * points * 16
        transform.backward(row, 16, row, 16)
        let target = (top + y) * Int(image.row_stride) + left * Int(image.pixel_stride) + channel
        finish(image, row, target, channel, part, columns)
      }
    }
  }
}

/// Stores a tile's row of pixels, clipped, with bias and residual.
@inline(__always)
private func finish(
  _ image: kernels_tiles, _ row: UnsafePointer<Float>, _ offset: Int, _ channel: Int, _ part: Int,
  _ columns: Int
) {
  guard let target = image.target else { return }
  let bias = image.bias.map { loadPart($0 + channel, part) } ?? splat(0)
  for x in 0..<columns {
    let place = offset + x * Int(image.pixel_stride)
    var value = lanes_load(row + x * 16) + bias
    if let residual = image.residual { value += loadPart(residual + place, part) }
    storePart(target + place, Clip.apply(value, splat(image.low), splat(image.high)), part)
  }
}

private func filters<Transform: WinogradTransform>(
  _ transform: Transform.Type, _ weights: UnsafePointer<Float>, _ inputs: Int, _ outputs: Int,
  _ room: UnsafeMutablePointer<Float>, _ target: UnsafeMutablePointer<Float>
) {
  let width = Level.panelWidth
  let places = transform.points * transform.points
  let panels = (outputs + width - 1) / width
  for panel in 0..<panels {
    let count = lesser(width, outputs - panel * width)
    for filter in 0..<(count * inputs) {
      transformFilter(
        transform, weights + (panel * width * inputs + filter) * 9, room + filter, step: width * inputs)
    }
    for place in 0..<places {
      Level.packB(
        room + place * width * inputs, k: inputs, n: count, stride: inputs, transposed: true, firstPanel: 0,
        endPanel: 1, target + (place * panels + panel) * inputs * width)
    }
  }
}

/// target[y · points + x] = (G g Gᵀ)[y, x] of one filter g, in double.
private func transformFilter<Transform: WinogradTransform>(
  _ transform: Transform.Type, _ filter: UnsafePointer<Float>, _ target: UnsafeMutablePointer<Float>,
  step: Int
) {
  let points = transform.points
  var memory = lanes_room()
  withUnsafeMutablePointer(to: &memory) { memory in
    // Nine weights, the three rows' places along x, and a column of places along y.
    let weights = UnsafeMutableRawPointer(memory).assumingMemoryBound(to: Double.self)
    let rows = weights + 9
    let column = rows + 3 * 6
    for index in 0..<9 { weights[index] = Double(filter[index]) }
    for y in 0..<3 { transform.filter(weights + 3 * y, 1, rows + 6 * y, 1) }
    for x in 0..<points {
      transform.filter(rows + x, 6, column, 1)
      for y in 0..<points { target[(y * points + x) * step] = Float(column[y]) }
    }
  }
}

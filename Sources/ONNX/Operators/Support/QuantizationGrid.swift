import Tensors

/// Which scale and zero point belong to each element: one for all, one for each place of an axis, or one
/// for each block of an axis.
struct QuantizationGrid: Sendable {
  private let outer: Int
  private let length: Int
  private let inner: Int
  /// Places of the axis that share a scale; 0 when all elements do.
  private let block: Int
  private let blocks: Int

  init(_ x: Shape, scale: Shape, axis: Int, block: Int) throws {
    if scale.elementCount == 1 && scale.rank <= 1 {
      (outer, length, inner, self.block, blocks) = (1, 1, x.elementCount ?? 0, 0, 1)
      return
    }
    let place = try normalizedAxis(axis, rank: x.rank)
    let layout = AxisLayout(x, place)
    (outer, length, inner) = (layout.outer, layout.length, layout.inner)
    if scale.rank == 1 {
      guard scale[0] == length else {
        throw ONNXError(.invalid, "\(scale[0]) scales for \(length) places of axis \(place)")
      }
      (self.block, blocks) = (1, 0)
      return
    }
    guard block > 0, scale.rank == x.rank,
      x.indices.allSatisfy({ scale[$0] == ($0 == place ? (x[$0] + block - 1) / block : x[$0]) })
    else { throw ONNXError(.invalid, "scales of shape \(scale) in blocks of \(block) for shape \(x)") }
    (self.block, blocks) = (block, scale[place])
  }

  /// Calls `body` with runs of elements that share a scale, and the scale's place.
  func forEachRun(_ body: (_ elements: Range<Int>, _ scale: Int) -> Void) {
    if block == 0 { return body(0..<inner, 0) }
    for first in 0..<outer {
      for place in 0..<length {
        let start = (first * length + place) * inner
        if blocks == 0 {
          body(start..<start + inner, place)
        } else {
          let row = (first * blocks + place / block) * inner
          for lane in 0..<inner { body(start + lane..<start + lane + 1, row + lane) }
        }
      }
    }
  }
}

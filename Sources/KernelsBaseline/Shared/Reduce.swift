public import CKernels

extension Level {
  /// The reduction of each of `rows` rows of `length` values.
  public static func reduceRows(
    _ code: kernels_reduction, _ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>, rows: Int,
    length: Int
  ) {
    for row in 0..<rows {
      let source = x + row * length
      switch code {
      case .sum: y[row] = sum(source, length)
      case .squares: y[row] = sumOfSquares(source, length)
      case .maximum:
        y[row] = lanes_greatest(fold(source, length, filler: -.infinity) { lanes_maximum($0, $1) })
      case .minimum:
        y[row] = -lanes_greatest(-fold(source, length, filler: .infinity) { lanes_minimum($0, $1) })
      default: y[row] = lanes_product(fold(source, length, filler: 1) { $0 * $1 })
      }
    }
  }

  /// The reduction along the first axis of [length, inner].
  public static func reduceColumns(
    _ code: kernels_reduction, _ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>, length: Int,
    inner: Int
  ) {
    switch code {
    case .sum: foldColumns(x, y, length, inner, from: 0) { $0 + $1 }
    case .squares:
      foldColumns(x, y, length, inner, from: 0) { lanes_multiply_add($1, $1, $0) }
    case .maximum: foldColumns(x, y, length, inner, from: -.infinity) { lanes_maximum($0, $1) }
    case .minimum: foldColumns(x, y, length, inner, from: .infinity) { lanes_minimum($0, $1) }
    default: foldColumns(x, y, length, inner, from: 1) { $0 * $1 }
    }
  }
}

@inline(__always)
private func fold(
  _ x: UnsafePointer<Float>, _ count: Int, filler: Float, _ combine: (lanes_f32, lanes_f32) -> lanes_f32
) -> lanes_f32 {
  var result = splat(filler)
  forEachPart(count) { index, part in result = combine(result, loadPart(x + index, part, filler: filler)) }
  return result
}

@inline(__always)
private func foldColumns(
  _ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>, _ length: Int, _ inner: Int, from start: Float,
  _ combine: (lanes_f32, lanes_f32) -> lanes_f32
) {
  forEachPart(inner) { index, part in
    var result = splat(start)
    for row in 0..<length { result = combine(result, loadPart(x + row * inner + index, part)) }
    storePart(y + index, result, part)
  }
}

public import CKernels

extension Level {
  /// y[i] = operation(a[i · aStep], b[i · bStep]), where a step is 1, or 0 for a single value.
  public static func binary(
    _ code: kernels_binary, _ a: UnsafePointer<Float>, aStep: Int, _ b: UnsafePointer<Float>, bStep: Int,
    _ y: UnsafeMutablePointer<Float>, count: Int
  ) {
    switch code {
    case .add: binaryMap(a, aStep, b, bStep, y, count) { $0 + $1 }
    case .subtract: binaryMap(a, aStep, b, bStep, y, count) { $0 - $1 }
    case .multiply: binaryMap(a, aStep, b, bStep, y, count) { $0 * $1 }
    case .divide: binaryMap(a, aStep, b, bStep, y, count) { $0 / $1 }
    case .maximum: binaryMap(a, aStep, b, bStep, y, count) { lanes_maximum($0, $1) }
    default: binaryMap(a, aStep, b, bStep, y, count) { lanes_minimum($0, $1) }
    }
  }
}

@inline(__always)
private func binaryMap(
  _ a: UnsafePointer<Float>, _ aStep: Int, _ b: UnsafePointer<Float>, _ bStep: Int,
  _ y: UnsafeMutablePointer<Float>, _ count: Int, _ operation: (lanes_f32, lanes_f32) -> lanes_f32
) {
  if count == 0 { return }
  let left = splat(a[0])
  let right = splat(b[0])
  forEachPart(count) { index, part in
    let first = aStep == 0 ? left : loadPart(a + index, part)
    let second = bStep == 0 ? right : loadPart(b + index, part)
    storePart(y + index, operation(first, second), part)
  }
}

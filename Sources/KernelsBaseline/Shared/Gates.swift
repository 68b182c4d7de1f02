internal import CKernels

extension Level {
  /// y[i] = a[i] · b[i] + c[i]; `y` may be any of them.
  public static func multiplyAdd(
    _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, _ c: UnsafePointer<Float>,
    _ y: UnsafeMutablePointer<Float>, count: Int
  ) {
    forEachPart(count) { index, part in
      let sum = lanes_multiply_add(
        loadPart(a + index, part), loadPart(b + index, part), loadPart(c + index, part))
      storePart(y + index, sum, part)
    }
  }

  /// y[i] = a[i] + gate[i] · (b[i] − a[i]): `b` where the gate is open. `y` may be any of them.
  public static func blend(
    _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, gate: UnsafePointer<Float>,
    _ y: UnsafeMutablePointer<Float>, count: Int
  ) {
    forEachPart(count) { index, part in
      let first = loadPart(a + index, part)
      let difference = loadPart(b + index, part) - first
      storePart(y + index, lanes_multiply_add(loadPart(gate + index, part), difference, first), part)
    }
  }
}

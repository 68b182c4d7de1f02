internal import CKernels

extension KernelTable {
  /// Running sums along the middle axis of [outer, length, inner] (ONNX CumSum). `y` may be `x` unless
  /// `exclusive`.
  ///
  /// - Parameters:
  ///   - exclusive: a sum does not hold its own position's value.
  ///   - reversed: sums run from the end.
  public func cumulativeSum(
    _ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>, outer: Int, length: Int, inner: Int = 1,
    exclusive: Bool = false, reversed: Bool = false, team: ThreadTeam
  ) {
    forEachRow(outer, length: length * inner, team) { rows in
      for row in rows {
        let start = (row * length + (reversed ? length - 1 : 0)) * inner
        let step = reversed ? -inner : inner
        if inner == 1 {
          sumLine(x + start, y + start, length: length, step: step, exclusive: exclusive)
        } else {
          sumRows(x + start, y + start, length: length, step: step, inner: inner, exclusive: exclusive)
        }
      }
    }
  }

  private func sumLine(
    _ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>, length: Int, step: Int, exclusive: Bool
  ) {
    var sum: Float = 0
    for index in 0..<length {
      let next = sum + x[index * step]
      y[index * step] = exclusive ? sum : next
      sum = next
    }
  }

  private func sumRows(
    _ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>, length: Int, step: Int, inner: Int,
    exclusive: Bool
  ) {
    for index in 0..<inner { y[index] = exclusive ? 0 : x[index] }
    for row in 1..<max(length, 1) {
      let addend = x + (exclusive ? row - 1 : row) * step
      level.binary(.add, y + (row - 1) * step, aStep: 1, addend, bStep: 1, y + row * step, count: inner)
    }
  }
}

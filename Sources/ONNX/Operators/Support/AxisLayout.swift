import Tensors

/// A tensor seen as [outer, length, inner], the axis in the middle.
struct AxisLayout: Sendable {
  let outer: Int
  let length: Int
  let inner: Int

  init(_ shape: Shape, _ axis: Int) {
    outer = shape.count(0..<axis)
    length = shape[axis]
    inner = shape.count(axis + 1..<shape.rank)
  }

  /// Calls `body` once a line along the axis, with the place of its first element; the next ones follow
  /// at distances of `inner`.
  func forEachLine(_ body: (_ line: Int, _ start: Int) throws -> Void) rethrows {
    for block in 0..<outer {
      for lane in 0..<inner { try body(block * inner + lane, block * length * inner + lane) }
    }
  }
}

extension NodeFacts {
  /// The rows of an output that mixes elements of its inputs.
  var rowsOfMixture: Rows {
    inputs.allSatisfy { $0 == nil || $0?.rows == .shared } ? .shared : .mixed
  }

  /// The rows of an output of the shape of input 0 that works along one axis only, with the same other inputs.
  func rowsAlong(_ axis: Int, _ x: TensorFact) -> Rows {
    guard inputs.dropFirst().allSatisfy({ $0 == nil || $0?.rows == .shared }) else { return rowsOfMixture }
    return x.rows == .axis(axis) ? .mixed : x.rows
  }
}

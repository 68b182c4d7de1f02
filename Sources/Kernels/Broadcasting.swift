public import Tensors

extension Shape {
  /// The shape that two tensors broadcast to by NumPy's rule (dimensions align at the end; one of
  /// extent 1 repeats); nil if they do not fit.
  public func broadcast(with other: Shape) -> Shape? {
    let rank = Swift.max(self.rank, other.rank)
    var result = Shape()
    for axis in 0..<rank {
      let left = extent(axis, ofRank: rank)
      let right = other.extent(axis, ofRank: rank)
      guard left == right || left == 1 || right == 1 else { return nil }
      result.append(left == 1 ? right : left)
    }
    return result
  }

  /// This shape's extent along an axis when it is written with `rank` dimensions, ones in front.
  func extent(_ axis: Int, ofRank rank: Int) -> Int {
    let own = axis - (rank - self.rank)
    return own < 0 ? 1 : self[own]
  }
}

extension KernelTable {
  /// The `k` greatest (or least) values along the middle axis of [outer, length, inner], in order, and their
  /// positions: ONNX TopK; with `k` = `length` a sort. Of equal values the one at the lower position comes
  /// first. NaN counts as the greatest value.
  ///
  /// - Parameters:
  ///   - k: at most `length`.
  ///   - values: [outer, k, inner], as `indices`.
  public func topK(
    _ x: UnsafePointer<Float>, outer: Int, length: Int, inner: Int = 1, k: Int, largest: Bool = true,
    values: UnsafeMutablePointer<Float>, indices: UnsafeMutablePointer<Int64>, team: ThreadTeam
  ) {
    if k <= 0 { return }
    forEachRow(outer * inner, length: length, team) { lines in
      for line in lines {
        let column = line % inner
        let target = line / inner * k * inner + column
        let heap = SelectionHeap(
          source: x + line / inner * length * inner + column, positions: indices + target, step: inner,
          count: k,
          largest: largest)
        heap.select(of: length)
        for index in 0..<k {
          values[target + index * inner] = heap.source[Int(heap.positions[index * inner]) * inner]
        }
      }
    }
  }
}

/// A heap of positions in the result itself, whose root is the one that would go first.
private struct SelectionHeap {
  let source: UnsafePointer<Float>
  let positions: UnsafeMutablePointer<Int64>
  /// Elements from one value of the line, and one position, to the next.
  let step: Int
  let count: Int
  let largest: Bool

  func select(of length: Int) {
    for index in 0..<count { positions[index * step] = Int64(index) }
    var parent = count / 2
    while parent > 0 {
      parent -= 1
      sink(parent, count)
    }
    for candidate in count..<max(count, length) where precedes(Int64(candidate), positions[0]) {
      positions[0] = Int64(candidate)
      sink(0, count)
    }
    // Whoever is at the root belongs behind all others.
    var end = count - 1
    while end > 0 {
      swap(0, end)
      sink(0, end)
      end -= 1
    }
  }

  /// Whether the value at position `a` comes before the one at `b` in the result.
  private func precedes(_ a: Int64, _ b: Int64) -> Bool {
    let (first, second) = (source[Int(a) * step], source[Int(b) * step])
    if first.isNaN || second.isNaN {
      if first.isNaN && second.isNaN { return a < b }
      return first.isNaN == largest
    }
    if first == second { return a < b }
    return largest ? first > second : first < second
  }

  private func swap(_ a: Int, _ b: Int) {
    let kept = positions[a * step]
    positions[a * step] = positions[b * step]
    positions[b * step] = kept
  }

  private func sink(_ start: Int, _ end: Int) {
    var parent = start
    while true {
      var last = parent
      var child = 2 * parent + 1
      while child < min(end, 2 * parent + 3) {
        if precedes(positions[last * step], positions[child * step]) { last = child }
        child += 1
      }
      if last == parent { return }
      swap(parent, last)
      parent = last
    }
  }
}

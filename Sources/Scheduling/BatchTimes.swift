/// How long batches of one model take, by their rows, learnt from those that ran.
///
/// Between two sizes that ran it is a straight line; above the largest the line goes on, but never steeper than
/// from nothing; below the smallest it takes as long as the smallest. Where only one size ran, twice as many rows are
/// thought to take no longer, or else a deadline might forbid for ever to find out.
struct BatchTimes {
  private struct Point {
    var rows: Int
    var time: Double
    var samples: Int
  }

  private var points: [Point] = []
  /// Rows per nanosecond at the size that is served fastest; 0 while nothing is known.
  private(set) var bestRate = 0.0
  /// The rows of that size.
  private(set) var bestRows = 1

  var isEmpty: Bool { points.isEmpty }

  /// Takes in that a batch of `rows` rows took `duration` nanoseconds.
  mutating func learn(rows: Int, duration: Int64) {
    let size = Self.sizeClass(max(rows, 1))
    let sample = Double(max(duration, 1))
    let index = position(of: size)
    if index < points.count, points[index].rows == size {
      points[index].time = Self.follow(points[index].time, sample, after: points[index].samples)
      points[index].samples += 1
    } else {
      points.insert(Point(rows: size, time: sample, samples: 1), at: index)
    }
    bestRate = 0
    for point in points where Double(point.rows) / point.time > bestRate {
      bestRate = Double(point.rows) / point.time
      bestRows = point.rows
    }
  }

  /// Nanoseconds that a batch of `rows` rows will take; nil while nothing is known.
  func duration(rows: Int) -> Double? {
    guard let last = points.last else { return nil }
    let rows = max(rows, 1)
    let index = position(of: rows)
    guard index < points.count else {
      let steepest = last.time / Double(last.rows)
      guard points.count > 1 else { return max(last.time, steepest * Double(rows) / 2) }
      let slope = Self.slope(points[points.count - 2], last)
      return last.time + min(max(slope, 0), steepest) * Double(rows - last.rows)
    }
    guard index > 0, points[index].rows != rows else { return points[index].time }
    let before = points[index - 1]
    return before.time + Self.slope(before, points[index]) * Double(rows - before.rows)
  }

  /// Whether enough batches of about so many rows ran to foretell the next.
  func isSettled(rows: Int) -> Bool {
    let size = Self.sizeClass(max(rows, 1))
    let index = position(of: size)
    return index < points.count && points[index].rows == size && points[index].samples >= 3
  }

  /// Faster down than up, and at first the least: what waited for a core or for cold caches says little.
  private static func follow(_ time: Double, _ sample: Double, after samples: Int) -> Double {
    if samples < 3 { return min(time, sample) }
    if sample < time { return time + (sample - time) / 4 }
    return time + (min(sample, 4 * time) - time) / 8
  }

  private static func slope(_ from: Point, _ to: Point) -> Double {
    (to.time - from.time) / Double(to.rows - from.rows)
  }

  /// Sizes are kept apart up to 16 rows, and in eight classes an octave above.
  private static func sizeClass(_ rows: Int) -> Int {
    guard rows > 16 else { return rows }
    let shift = Int.bitWidth - rows.leadingZeroBitCount - 4
    return (rows >> shift) << shift
  }

  private func position(of rows: Int) -> Int {
    var low = 0
    var high = points.count
    while low < high {
      let middle = (low + high) / 2
      if points[middle].rows < rows { low = middle + 1 } else { high = middle }
    }
    return low
  }
}

/// The times of a model's batches, apart for rows of different size: by the binary logarithm of a row's bytes.
struct TimesByRowSize {
  private var classes = [BatchTimes](repeating: BatchTimes(), count: Int.bitWidth)

  subscript(rowClass: Int) -> BatchTimes { classes[rowClass] }

  mutating func learn(rowClass: Int, rows: Int, duration: Int64) {
    classes[rowClass].learn(rows: rows, duration: duration)
  }

  /// - Parameter rows: the rows that `byteCount` bytes are of.
  static func rowClass(byteCount: Int, rows: Int) -> Int {
    Int.bitWidth - 1 - max(byteCount / max(rows, 1), 1).leadingZeroBitCount
  }
}

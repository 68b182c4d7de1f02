/// How soon the next piece of work may be expected, and how much of it comes, from what came.
struct ArrivalRate {
  private var last: Int64 = 0
  private var gap = 0.0
  private var count = 0
  /// Rows per nanosecond, over about `window`.
  private var rate = 0.0

  /// - Parameter window: nanoseconds over which the rate of rows is taken.
  mutating func arrived(rows: Int, window: Double, at now: Int64) {
    let sample = Double(max(now - last, 0))
    last = now
    count += 1
    rate = rate * max(1 - sample / window, 0) + Double(rows) / window
    guard count > 1 else { return }
    gap = count == 2 ? sample : gap + (sample - gap) / 8
  }

  /// Nanoseconds between two, on average; nil while too few came to say.
  var meanGap: Int64? { count >= 8 ? Int64(gap) : nil }

  /// Rows per nanosecond; 0 while too few came to say.
  var rowRate: Double { count >= 8 ? rate : 0 }

  /// When to stop expecting the next: after thrice the mean gap since the last.
  var patience: Int64? { meanGap.map { last + 3 * $0 } }
}

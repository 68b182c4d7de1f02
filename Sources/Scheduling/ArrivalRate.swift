/// How soon the next piece of work may be expected, from those that came.
struct ArrivalRate {
  private var last: Int64 = 0
  private var gap = 0.0
  private var count = 0

  mutating func arrived(at now: Int64) {
    defer { last = now }
    count += 1
    guard count > 1 else { return }
    let sample = Double(max(now - last, 0))
    gap = count == 2 ? sample : gap + (sample - gap) / 8
  }

  /// Nanoseconds between two, on average; nil while too few came to say.
  var meanGap: Int64? { count >= 8 ? Int64(gap) : nil }

  /// When to stop expecting the next: after thrice the mean gap since the last.
  var patience: Int64? { meanGap.map { last + 3 * $0 } }
}

/// How many of the things that a pool keeps nobody has needed since the last look: those are given up.
struct SpareCount {
  private var least = 0

  /// So many are left after one was taken.
  mutating func took(leaving count: Int) { least = min(least, count) }

  /// Ends the time that is looked at; the number that were there all along, and now is `count`.
  mutating func take(of count: Int) -> Int {
    defer { least = count - min(least, count) }
    return min(least, count)
  }
}

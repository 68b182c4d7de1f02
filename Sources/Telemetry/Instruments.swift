import Synchronization

/// A number that only grows.
public final class Counter: Sendable {
  private let shards = Shards(width: 1)

  init() {}

  public func add(_ n: UInt64 = 1) { shards.add(n, to: 0) }

  public var value: UInt64 { shards.total(of: 0) }
}

/// A number that goes up and down.
public final class Gauge: Sendable {
  private let bits = Atomic<UInt64>(0)

  init() {}

  public func set(_ value: Double) { bits.store(value.bitPattern, ordering: .relaxed) }

  public func add(_ delta: Double) {
    var old = bits.load(ordering: .relaxed)
    while true {
      let sum = (Double(bitPattern: old) + delta).bitPattern
      let (done, seen) = bits.weakCompareExchange(expected: old, desired: sum, ordering: .relaxed)
      if done { return }
      old = seen
    }
  }

  public var value: Double { Double(bitPattern: bits.load(ordering: .relaxed)) }
}

/// A distribution over fixed buckets.
public final class Histogram: Sendable {
  /// Upper bounds, ascending; a last bucket for all above them is implied.
  public let bounds: [Double]
  private let shards: Shards

  init(bounds: [Double]) {
    self.bounds = bounds.sorted()
    shards = Shards(width: bounds.count + 2)
  }

  /// Counts `value` in the first bucket whose bound is not below it. NaN is not counted.
  public func observe(_ value: Double) {
    if value.isNaN { return }
    var bucket = 0
    while bucket < bounds.count && value > bounds[bucket] { bucket += 1 }
    shards.count(value, in: bucket, sum: bounds.count + 1)
  }

  /// How many values fell in each bucket, the one above the last bound included.
  public var counts: [UInt64] { (0...bounds.count).map(shards.total(of:)) }

  public var sum: Double { shards.sum(of: bounds.count + 1) }

  /// Bounds for durations in seconds: 10 µs to 10 s, three a decade.
  public static let durationBounds: [Double] = [
    0.000_01, 0.000_025, 0.000_05, 0.0001, 0.000_25, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1,
    0.25, 0.5,
    1, 2.5, 5, 10,
  ]
}

import Glibc

/// Where a component reads the time. Tests pass their own.
public struct MonotonicClock: Sendable {
  private let read: @Sendable () -> Int64

  public init(_ read: @escaping @Sendable () -> Int64) { self.read = read }

  /// Nanoseconds since some fixed point; never goes back.
  public func now() -> Int64 { read() }

  /// CLOCK_MONOTONIC.
  public static let system = MonotonicClock {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
  }
}

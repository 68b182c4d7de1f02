/// Times on the loop's clock, in nanoseconds; what is too far away to count is never.
enum Deadline {
  static let never = Int64.max

  static func after(_ time: Int64, from start: Int64) -> Int64 {
    let (sum, overflows) = start.addingReportingOverflow(time)
    return overflows ? never : sum
  }

  /// The time that `bytes` take at the slowest rate that is allowed, in bytes per second.
  static func time(for bytes: Int, at rate: Int64) -> Int64 {
    let (scaled, overflows) = Int64(bytes).multipliedReportingOverflow(by: 1_000_000_000)
    return overflows ? never : scaled / max(1, rate)
  }
}

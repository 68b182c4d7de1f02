import Glibc

/// Random numbers that a printed seed brings back.
public struct SeededGenerator: RandomNumberGenerator, Sendable {
  private var state: UInt64

  public init(seed: UInt64) { state = seed }

  /// SplitMix64.
  public mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
    return mixed ^ (mixed >> 31)
  }
}

/// The seed of this run's random tests: SWERVE_SEED, or a new one. Print it with each expectation.
public func seedOfThisRun() -> UInt64 {
  if let text = getenv("SWERVE_SEED"), let seed = UInt64(String(cString: text)) { return seed }
  return UInt64.random(in: 0...UInt64.max)
}

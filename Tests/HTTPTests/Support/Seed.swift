import Foundation

/// Random numbers that a failure can be repeated with: the seed comes from SWERVE_SEED or the clock, and
/// is printed.
struct SeededGenerator: RandomNumberGenerator {
  let seed: UInt64
  private var state: UInt64

  init(_ purpose: String) {
    let given = ProcessInfo.processInfo.environment["SWERVE_SEED"].flatMap(UInt64.init)
    seed = given ?? UInt64(Date().timeIntervalSince1970 * 1_000_000)
    state = seed
    print("\(purpose): SWERVE_SEED=\(seed)")
  }

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
    return mixed ^ (mixed >> 31)
  }
}

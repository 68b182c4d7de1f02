/// When the manager looks at the repositories again. Nanoseconds.
struct LookRhythm {
  /// After a change folders are left alone for this long: more is likely to come.
  static let quiet: Int64 = 100_000_000
  /// Changes that do not end are looked at after this time all the same.
  static let patience: Int64 = 2_000_000_000
  /// Between two looks that have to see the same, where changes are noticed.
  static let confirmation: Int64 = 200_000_000
  /// Where every folder is watched, looks are for what a watch does not tell.
  static let watchedFactor: Int64 = 5

  private let period: Int64
  private let repeats: Bool
  private var next: Int64
  private var firstChange: Int64?
  private var lastChange: Int64 = 0

  /// The longest the manager sleeps, in nanoseconds.
  private let longest: Int64

  init(_ configuration: ServingConfiguration, now: Int64) {
    longest = configuration.memoryBudget > 0 ? 1_000_000_000 : 60_000_000_000
    period = Int64(configuration.pollSeconds * 1e9)
    repeats = configuration.control != .none
    next = now
  }

  mutating func noticedChange(at now: Int64) {
    if firstChange == nil { firstChange = now }
    lastChange = now
  }

  /// - Parameter isSettled: whether no folder has to be seen a second time.
  mutating func looked(at now: Int64, isSettled: Bool, isWatched: Bool) {
    firstChange = nil
    switch (isSettled, isWatched) {
    case (true, true): next = now + period * LookRhythm.watchedFactor
    case (false, true): next = now + min(period, LookRhythm.confirmation)
    case (_, false): next = now + period
    }
  }

  func isDue(at now: Int64) -> Bool { repeats && now >= due }

  private var due: Int64 {
    guard let firstChange else { return next }
    return min(next, lastChange + LookRhythm.quiet, firstChange + LookRhythm.patience)
  }

  /// How long the manager may sleep.
  func milliseconds(at now: Int64, isRetiring: Bool) -> Int {
    let untilDue = repeats ? max(0, min(due - now, longest)) : longest
    return Int((min(untilDue, isRetiring ? 5_000_000 : longest) + 999_999) / 1_000_000)
  }
}

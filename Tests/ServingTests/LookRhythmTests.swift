import Testing

@testable import Serving

private func rhythm(_ control: ServingConfiguration.Control = .poll) -> LookRhythm {
  var configuration = ServingConfiguration()
  configuration.control = control
  configuration.pollSeconds = 2
  return LookRhythm(configuration, now: 0)
}

private let second: Int64 = 1_000_000_000

@Test func withoutWatchesFoldersAreLookedAtEveryPeriod() {
  var rhythm = rhythm()
  #expect(rhythm.isDue(at: 0))
  rhythm.looked(at: 0, isSettled: true, isWatched: false)
  #expect(!rhythm.isDue(at: 2 * second - 1))
  #expect(rhythm.isDue(at: 2 * second))
  #expect(rhythm.milliseconds(at: second, isRetiring: false) == 1000)
}

@Test func aChangeIsLookedAtWhenItIsOverAndSoonAgain() {
  var rhythm = rhythm()
  rhythm.looked(at: 0, isSettled: true, isWatched: true)
  rhythm.noticedChange(at: second)
  #expect(!rhythm.isDue(at: second + LookRhythm.quiet - 1))
  rhythm.noticedChange(at: second + 50)
  #expect(!rhythm.isDue(at: second + LookRhythm.quiet))
  #expect(rhythm.isDue(at: second + LookRhythm.quiet + 50))
  rhythm.looked(at: second + LookRhythm.quiet + 50, isSettled: false, isWatched: true)
  #expect(rhythm.isDue(at: second + LookRhythm.quiet + 50 + LookRhythm.confirmation))
}

@Test func changesWithoutEndAreLookedAtAllTheSame() {
  var rhythm = rhythm()
  rhythm.looked(at: 0, isSettled: true, isWatched: true)
  for step in 0..<100 { rhythm.noticedChange(at: second + Int64(step) * LookRhythm.quiet / 2) }
  #expect(rhythm.isDue(at: second + LookRhythm.patience))
}

@Test func withoutPollingThereIsOneLook() {
  var rhythm = rhythm(.none)
  rhythm.looked(at: 0, isSettled: true, isWatched: false)
  #expect(!rhythm.isDue(at: 1_000_000 * second))
}

import SchedulerSimulation
import Scheduling
import TestSupport
import Testing

@Test func randomSchedulesBreakNoPromise() {
  let seed = seedOfThisRun()
  var reasons: Set<ReleaseReason> = []
  for index in 0..<3000 as Range<UInt64> {
    let outcome = Simulation.run(seed: seed &+ index)
    if let violation = outcome.violation {
      Issue.record("schedule of seed \(seed &+ index): \(violation)")
      return
    }
    reasons.formUnion(outcome.reasons.keys)
  }
  #expect(reasons == Set(ReleaseReason.allCases), "seed \(seed)")
}

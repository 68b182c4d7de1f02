import SchedulerSimulation
import TestSupport
import Testing

/// Random arrivals in virtual time, so that the figures are the scheduler's own.
@Suite struct OverloadTests {
  private static let seed = seedOfThisRun()

  private func play(_ change: (inout Overload) -> Void) -> Overload.Outcome {
    var overload = Overload()
    change(&overload)
    return overload.run(seed: Self.seed)
  }

  @Test(arguments: [1.2, 2, 5, 20]) func goodputIsCapacityHoweverMuchComes(load: Double) {
    let outcome = play { $0.load = load }
    #expect(outcome.goodput >= 0.95, "seed \(Self.seed): \(outcome)")
    #expect(outcome.late <= outcome.arrived / 200, "seed \(Self.seed): \(outcome)")
    #expect(
      outcome.dropped <= outcome.arrived / 33, "refused late, not at once; seed \(Self.seed): \(outcome)")
  }

  @Test(arguments: [0.1, 0.5, 0.9]) func nobodyIsRefusedWhereAllCanBeServed(load: Double) {
    let outcome = play { $0.load = load }
    #expect(outcome.inTime == outcome.arrived - outcome.refused - outcome.dropped - outcome.late)
    #expect(
      outcome.refused + outcome.dropped + outcome.late <= outcome.arrived / 50,
      "seed \(Self.seed): \(outcome)")
  }

  @Test(arguments: [2, 4]) func allTurnsAreUsed(turns: Int) {
    let outcome = play { $0.turns = turns }
    #expect(outcome.goodput >= 0.95, "seed \(Self.seed): \(outcome)")
  }

  /// Where a full batch is too late for whoever waited for one to end, batches are as large as the deadline lets them.
  @Test(arguments: [(1.1, 0.35), (2, 0.6), (3, 0.9)]) func shortDeadlinesMakeSmallerBatches(
    patience: Double, least: Double
  ) {
    let outcome = play { $0.patience = patience...patience }
    #expect(outcome.goodput >= least, "seed \(Self.seed): \(outcome)")
    #expect(outcome.late <= outcome.arrived / 200, "seed \(Self.seed): \(outcome)")
  }

  @Test func theImpatientDoNotMakeTheOthersLate() {
    let outcome = play { $0.patience = 0.6...5 }
    #expect(outcome.goodput >= 0.93, "seed \(Self.seed): \(outcome)")
  }

  @Test func timesThatVaryCostNoMoreThanTheyTake() {
    let outcome = play { $0.noise = 0.3 }
    // A batch takes 15 % longer on average.
    #expect(outcome.goodput >= 0.9 / 1.15, "seed \(Self.seed): \(outcome)")
  }
}

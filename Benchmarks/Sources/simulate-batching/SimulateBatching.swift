import SchedulerSimulation

/// Plays many random schedules, and prints the seed of one that breaks a promise.
@main
enum SimulateBatching {
  static func main() {
    let arguments = CommandLine.arguments.dropFirst().map { UInt64($0) }
    guard arguments.count <= 2, !arguments.contains(nil) else {
      print("usage: simulate-batching [SCHEDULES [SEED]]")
      return
    }
    let count = arguments.first.flatMap(\.self) ?? 100_000
    let seed = arguments.dropFirst().first.flatMap(\.self) ?? UInt64.random(in: 0...UInt64.max)
    print("seed \(seed)")
    let clock = ContinuousClock()
    let start = clock.now
    var total = Simulation.Outcome()
    for index in 0..<count {
      let outcome = Simulation.run(seed: seed &+ index)
      if let violation = outcome.violation {
        fatalError("schedule of seed \(seed &+ index): \(violation)")
      }
      total.admitted += outcome.admitted
      total.refused += outcome.refused
      total.dropped += outcome.dropped
      total.givenUp += outcome.givenUp
      total.batches += outcome.batches
      total.reasons.merge(outcome.reasons) { $0 + $1 }
    }
    let reasons = total.reasons.map { "\($0.key) \($0.value)" }.sorted().joined(separator: ", ")
    print(
      "\(count) schedules in \(clock.now - start): \(total.admitted) requests let in, \(total.refused) refused, "
        + "\(total.dropped) dropped (\(total.givenUp) given up), \(total.batches) batches (\(reasons)); no promise broken"
    )
  }
}

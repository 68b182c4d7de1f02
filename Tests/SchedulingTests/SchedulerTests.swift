import TestSupport
import Testing

@testable import Scheduling

/// A request of nothing but what the scheduler asks for.
struct Job: Schedulable {
  var name: Int
  var rows = 1
  var shape = 0
  var deadline: Int64 = 0
  var priority = 0
  var client: UInt64 = 0
  var isCancelled = false
  var sequence: SequenceUse?

  init(_ name: Int, _ change: (inout Job) -> Void = { _ in }) {
    self.name = name
    change(&self)
  }

  var byteCount: Int { rows * 8 }
  var shapeHash: Int { shape }
  func hasShape(of other: Job) -> Bool { shape == other.shape }
}

/// A scheduler with one worker, which the tests are.
final class Puppet {
  private(set) var scheduler: Scheduler<Job>

  init(_ change: (inout SchedulingPolicy) -> Void = { _ in }) {
    var policy = SchedulingPolicy()
    policy.maximumRows = 8
    change(&policy)
    scheduler = Scheduler(policy: policy)
  }

  var count: Int { scheduler.count }

  func arrive(together jobs: [Job], at now: Int64 = 0) throws -> Int {
    try scheduler.arrive(jobs, at: now)
  }

  /// Lets `jobs` in one by one.
  func arrive(_ jobs: Job..., at now: Int64 = 0) throws {
    for job in jobs { _ = try scheduler.arrive([job], at: now) }
  }

  func turn(at now: Int64) -> Turn<Job> { scheduler.turn(at: now) }

  func sweep(at now: Int64, cancelled: Bool) -> [(job: Job, cause: DropCause)] {
    scheduler.sweep(at: now, cancelled: cancelled)
  }

  func wake(at now: Int64) -> Bool { scheduler.wake(at: now) }

  func answered(_ use: SequenceUse?, isSuccess: Bool = true, at now: Int64 = 0) -> SequenceStep<Job> {
    use.map { scheduler.answered($0, isSuccess: isSuccess, at: now) } ?? SequenceStep()
  }

  func expireSequences(at now: Int64) -> [SequenceID] { scheduler.expireSequences(at: now) }

  func drain() { _ = scheduler.drain() }

  /// The names of what the next turn executes, and why. It has ended after `duration`, if that is not 0.
  func next(at now: Int64 = 0, lasting duration: Int64 = 0) -> ([Int], ReleaseReason?) {
    let turn = turn(at: now)
    guard case .execute(let ticket, let reason) = turn.action else { return ([], nil) }
    _ = scheduler.finished(ticket, learns: duration > 0, at: now + duration)
    return (turn.batch.map(\.name), reason)
  }

  /// Teaches that `rows` rows take `duration`.
  func teach(rows: Int, duration: Int64) throws {
    for _ in 0..<4 {
      try arrive(Job(0) { $0.rows = rows })
      _ = next(lasting: duration)
    }
  }
}

@Test func aFreeTurnTakesAllThatWaitsAtOnce() throws {
  let scheduler = Puppet()
  try scheduler.arrive(Job(1), Job(2) { $0.rows = 3 }, Job(3) { $0.rows = 2 })
  let (names, reason) = scheduler.next()
  #expect(names == [1, 2, 3])
  #expect(reason == .idle)
  #expect(scheduler.count == 0 && scheduler.scheduler.turns == 0)
}

@Test func equalShapesGoTogetherWhereverTheyStand() throws {
  let scheduler = Puppet()
  try scheduler.arrive(Job(1), Job(2) { $0.shape = 1 }, Job(3), Job(4) { $0.shape = 1 })
  #expect(scheduler.next() == ([1, 3], .shape))
  #expect(scheduler.next() == ([2, 4], .idle))
}

@Test func aBatchKeepsWithinTheMaximum() throws {
  let scheduler = Puppet { $0.maximumRows = 4 }
  try scheduler.arrive(Job(1) { $0.rows = 3 }, Job(2) { $0.rows = 3 }, Job(3))
  #expect(scheduler.next() == ([1], .full))
  #expect(scheduler.next() == ([2, 3], .full))
}

@Test func withoutAMaximumNothingIsStacked() throws {
  let scheduler = Puppet { $0.maximumRows = nil }
  try scheduler.arrive(Job(1) { $0.rows = 0 }, Job(2) { $0.rows = 0 }, Job(3))
  for name in 1...3 { #expect(scheduler.next().0 == [name]) }
}

@Test func shortOnesGoInATrainOfWhatIsTheirs() throws {
  let scheduler = Puppet {
    $0.maximumRows = nil
    $0.trainLimit = 3
    $0.trainTime = 60
  }
  for job in 1...2 { try scheduler.arrive(Job(job)) }
  #expect(scheduler.next() == ([1], .full), "nothing is known of how long they take")
  #expect(scheduler.next(lasting: 20) == ([2], .full))
  for job in 3...7 { try scheduler.arrive(Job(job)) }
  #expect(scheduler.next(lasting: 50) == ([3, 4, 5], .full), "the limit")
  #expect(scheduler.next(lasting: 50) == ([6, 7], .full))
  try scheduler.arrive(Job(8))
  try scheduler.arrive(Job(9) { $0.shape = 1 })
  #expect(scheduler.next(lasting: 90) == ([8], .full), "another shape")
}

@Test func aTrainIsNoLongerThanItsTimeAndLeavesWorkToFreeTurns() throws {
  let long = Puppet {
    $0.maximumRows = nil
    $0.trainLimit = 8
    $0.trainTime = 100
  }
  try long.teach(rows: 1, duration: 40)
  for job in 1...5 { try long.arrive(Job(job)) }
  #expect(long.next(lasting: 1000) == ([1, 2], .full))
  #expect(long.next(lasting: 1000) == ([3, 4], .full), "that it took long once does not count")
  #expect(long.next(lasting: 200) == ([5], .full))

  let wide = Puppet {
    $0.maximumRows = nil
    $0.turnLimit = 2
    $0.trainLimit = 8
    $0.trainTime = 1000
  }
  try wide.teach(rows: 1, duration: 40)
  for job in 1...6 { try wide.arrive(Job(job)) }
  #expect(wide.turn(at: 0).batch.map(\.name) == [1, 2, 3], "a second turn is free")
  #expect(wide.turn(at: 0).batch.map(\.name) == [4, 5, 6])
}

@Test func theMostImportantLeadsAndTheRestFillItsBatch() throws {
  let scheduler = Puppet {
    $0.maximumRows = 3
    $0.levels = [LevelPolicy(), LevelPolicy()]
    $0.defaultLevel = 2
  }
  try scheduler.arrive(Job(1), Job(2), Job(3) { $0.priority = 1 }, Job(4) { $0.priority = 7 })
  #expect(scheduler.next().0 == [3, 1, 2])
  #expect(scheduler.next().0 == [4])
}

@Test func oneBatchInEightIsLedByTheOldest() throws {
  let scheduler = Puppet {
    $0.maximumRows = 1
    $0.levels = [LevelPolicy(), LevelPolicy()]
  }
  try scheduler.arrive(Job(0) { $0.priority = 2 })
  for name in 1...20 { try scheduler.arrive(Job(name) { $0.priority = 1 }) }
  #expect((0..<8).map { _ in scheduler.next().0[0] } == [1, 2, 3, 4, 5, 6, 7, 0])
}

@Test func lateAndCancelledOnesAreDropped() throws {
  let scheduler = Puppet()
  try scheduler.arrive(
    Job(1) { $0.deadline = 10 }, Job(2) { $0.isCancelled = true }, Job(3) { $0.deadline = 11 }, Job(4))
  let turn = scheduler.turn(at: 10)
  #expect(turn.batch.map(\.name) == [3, 4])
  #expect(turn.dropped.map(\.job.name) == [1, 2])
  #expect(turn.dropped.map(\.cause) == [.expired, .cancelled])
}

@Test func aSweepFindsThemWhileNoTurnIsFree() throws {
  let scheduler = Puppet()
  try scheduler.arrive(Job(1) { $0.deadline = 10 }, Job(2) { $0.isCancelled = true }, Job(3))
  #expect(scheduler.sweep(at: 9, cancelled: false).isEmpty)
  #expect(scheduler.sweep(at: 10, cancelled: false).map(\.job.name) == [1, 2])
  #expect(scheduler.count == 1)
}

@Test func whatIsLateIsDelayedIfItsLevelSaysSo() throws {
  var level = LevelPolicy()
  level.timeout = 100
  level.timeoutAction = .delay
  let scheduler = Puppet {
    $0.maximumRows = 1
    $0.levels = [level, LevelPolicy()]
  }
  try scheduler.arrive(Job(1) { $0.priority = 1 }, Job(2) { $0.priority = 2 })
  let names = [scheduler.next(at: 200).0, scheduler.next(at: 200).0]
  #expect(names == [[2], [1]])
}

@Test func boundsRefuseAndSayWhich() throws {
  let full = Puppet { $0.requests = 2 }
  try full.arrive(Job(1), Job(2))
  #expect(throws: Refusal(cause: .requests(waiting: 2, limit: 2), retryAfter: 0)) { try full.arrive(Job(3)) }
  let heavy = Puppet { $0.bytes = 50 }
  try heavy.arrive(Job(1) { $0.rows = 6 })
  #expect(throws: Refusal(cause: .bytes(waiting: 48, limit: 50), retryAfter: 0)) { try heavy.arrive(Job(2)) }
  var level = LevelPolicy()
  level.requests = 1
  let levelled = Puppet { $0.levels = [level, LevelPolicy()] }
  try levelled.arrive(Job(1) { $0.priority = 1 }, Job(2) { $0.priority = 2 }, Job(3) { $0.priority = 2 })
  #expect(throws: Refusal(cause: .levelRequests(level: 1, waiting: 1, limit: 1), retryAfter: 0)) {
    try levelled.arrive(Job(4) { $0.priority = 1 })
  }
}

@Test func aRequestLargerThanTheQueueIsTakenWhereNothingWaits() throws {
  let scheduler = Puppet { $0.requests = 2 }
  #expect(try scheduler.arrive(together: [Job(1), Job(2), Job(3)]) == 1)
  #expect(throws: Refusal.self) { try scheduler.arrive(Job(4)) }
}

@Test func aClientOverItsShareIsRefusedBeforeOthersAre() throws {
  let scheduler = Puppet { $0.requests = 100 }
  var greedy = 0
  while (try? scheduler.arrive(Job(greedy) { $0.client = 1 })) != nil { greedy += 1 }
  #expect((85...95).contains(greedy), "one client alone came to \(greedy) of 100")
  try scheduler.arrive(Job(1000) { $0.client = 2 })
  #expect(throws: Refusal.self) { try scheduler.arrive(Job(1001) { $0.client = 1 }) }
}

@Test func aDeadlineThatCannotBeMetIsRefusedAtOnce() throws {
  let scheduler = Puppet()
  try scheduler.teach(rows: 1, duration: 100)
  try scheduler.arrive(Job(1))
  _ = scheduler.turn(at: 0)
  try scheduler.arrive(Job(2), at: 0)
  let refusal = #expect(throws: Refusal.self) { try scheduler.arrive(Job(3) { $0.deadline = 150 }, at: 0) }
  #expect(refusal?.cause == .deadline(predicted: 150))
  #expect(refusal?.retryAfter == 200)
  try scheduler.arrive(Job(4) { $0.deadline = 400 }, at: 0)
}

@Test func aPredictedWaitOverTheLimitIsRefused() throws {
  let scheduler = Puppet { $0.wait = 150 }
  try scheduler.teach(rows: 1, duration: 100)
  try scheduler.arrive(Job(1), Job(2))
  #expect(throws: Refusal(cause: .wait(predicted: 200, limit: 150), retryAfter: 200)) {
    try scheduler.arrive(Job(3))
  }
}

@Test func theSizeIsTheOneThatServesMost() throws {
  let scheduler = Puppet()
  try scheduler.teach(rows: 2, duration: 100)
  try scheduler.teach(rows: 4, duration: 110)
  try scheduler.teach(rows: 8, duration: 1000)
  for name in 1...8 { try scheduler.arrive(Job(name)) }
  #expect(scheduler.next() == ([1, 2, 3, 4], .full))
}

@Test func theSizeKeepsTheEarliestDeadline() throws {
  let scheduler = Puppet()
  try scheduler.teach(rows: 2, duration: 100)
  try scheduler.teach(rows: 8, duration: 300)
  for name in 1...8 { try scheduler.arrive(Job(name) { $0.deadline = name == 1 ? 190 : 0 }) }
  let (names, reason) = scheduler.next()
  #expect(names == [1, 2, 3, 4])
  #expect(reason == .deadline)
}

@Test func lingersOnlyIfAnotherIsExpectedInTime() throws {
  let scheduler = Puppet { $0.linger = 100 }
  for index in 0..<10 as Range<Int64> {
    try scheduler.arrive(Job(0), at: index * 1000)
    #expect(scheduler.next(at: index * 1000).1 == .idle)
  }
  for index in 0..<40 as Range<Int64> {
    try scheduler.arrive(Job(0), at: 10_000 + index * 10)
    _ = scheduler.next(at: 10_000 + index * 10)
  }
  scheduler.drain()
  try scheduler.arrive(Job(1), at: 10_400)
  let turn = scheduler.turn(at: 10_400)
  guard case .wait(let end) = turn.action else {
    Issue.record("\(turn.action), expected to wait")
    return
  }
  #expect(end > 10_400 && end <= 10_500)
  try scheduler.arrive(Job(2), at: 10_410)
  #expect(scheduler.wake(at: end))
  #expect(scheduler.next(at: end) == ([1, 2], .linger))
}

@Test func timesAreInterpolated() {
  var times = BatchTimes()
  #expect(times.duration(rows: 3) == nil)
  times.learn(rows: 2, duration: 100)
  #expect(times.duration(rows: 1) == 100)
  #expect(times.duration(rows: 4) == 100, "twice as many are worth a try")
  #expect(times.duration(rows: 8) == 200)
  times.learn(rows: 6, duration: 140)
  #expect(times.duration(rows: 4) == 120)
  #expect(times.duration(rows: 8) == 160)
}

@Test func whatFailsIsHalvedUntilItIsAlone() {
  for size in 1...33 {
    for bad in 0..<size {
      var bisection = Bisection(Array(0..<size))
      var served: [Int] = []
      var failed: [Int] = []
      while let part = bisection.next() {
        if !part.contains(bad) {
          served += part
        } else if part.count == 1 {
          failed += part
        } else {
          bisection.failed(leaving: part)
        }
      }
      #expect(failed == [bad])
      #expect(served == (0..<size).filter { $0 != bad })
    }
  }
}

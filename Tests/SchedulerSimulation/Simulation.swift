public import Scheduling
import TestSupport

/// One schedule, played from a seed: random arrivals, durations, failures, cancellations and deadlines under a
/// random policy, with every promise of the scheduler held against what it does.
public struct Simulation {
  /// What a schedule came to.
  public struct Outcome: Sendable {
    /// The first promise that was broken, and how; nil: none was.
    public var violation: String?
    public var admitted = 0
    public var refused = 0
    public var dropped = 0
    /// Of those dropped, how many were given up before their deadline for the sake of others.
    public var givenUp = 0
    public var batches = 0
    /// Of those admitted, how many belonged to sequences.
    public var inSequences = 0
    public var reasons: [ReleaseReason: Int] = [:]

    public init() {}
  }

  /// The first promise that was broken. An object, so that whoever looks at the schedule may say so.
  final class Verdict {
    var violation: String?
  }

  struct RunningBatch {
    var ticket: Int
    var end: Int64
    var jobs: [SimulatedJob]
  }

  var random: SeededGenerator
  let policy: SchedulingPolicy
  var scheduler: Scheduler<SimulatedJob>
  var now: Int64 = 1000
  /// Turns that were asked for and not yet given.
  var asked = 0
  var running: [RunningBatch] = []
  var directRunning = 0
  /// When the scheduler wants to be woken.
  var wakes: [Int64] = []
  var jobs: [SimulatedJob] = []
  var sequences: [SequenceID: SimulatedSequence] = [:]
  /// The last of each level and shape that was released.
  var lastReleased: [Int: Int] = [:]
  var outcome = Outcome()
  let verdict = Verdict()
  private let fixedCost: Int64
  private let rowCost: Int64

  /// Plays the schedule of `seed`.
  public static func run(seed: UInt64, steps: Int = 80) -> Outcome {
    var simulation = Simulation(seed: seed)
    for _ in 0..<steps where simulation.verdict.violation == nil { simulation.step() }
    simulation.end()
    simulation.outcome.violation = simulation.verdict.violation
    return simulation.outcome
  }

  private init(seed: UInt64) {
    random = SeededGenerator(seed: seed)
    policy = SchedulingPolicy.random(using: &random)
    scheduler = Scheduler(policy: policy)
    fixedCost = .random(in: 1...50, using: &random)
    rowCost = .random(in: 0...20, using: &random)
  }

  // MARK: - Events

  private mutating func step() {
    switch Int.random(in: 0..<100, using: &random) {
    case 0..<42: arrive()
    case 42..<65: giveTurn()
    case 65..<85: finishFirst()
    case 85..<90: jobs.randomElement(using: &random)?.isCancelled = true
    case 90..<92: answer(scheduler.sweep(at: now, cancelled: Bool.random(using: &random)))
    case 92: expireSequences()
    case 93..<95: runDirectly()
    default: pass(.random(in: 0...40, using: &random))
    }
    pass(.random(in: 0...3, using: &random))
    checkTurns()
  }

  private mutating func arrive() {
    let shape = RequestShape(
      maximumRows: policy.maximumRows ?? 5, inSequences: policy.sequences != nil, using: &random)
    let isSplit = policy.sequences == nil && Int.random(in: 0..<12, using: &random) == 0
    let count = isSplit ? Int.random(in: 2...3, using: &random) : 1
    let new = (0..<count).map { SimulatedJob(serial: jobs.count + $0, now: now, like: shape) }
    let before = scheduler.count
    do throws(Refusal) {
      for (index, job) in new.enumerated() {
        job.older = before + index
        job.releasesBefore = scheduler.releases
        job.isAdmitted = true
      }
      asked += try scheduler.arrive(new, at: now)
      outcome.admitted += count
      jobs += new
      enterSequence(new[0])
      checkBounds(new, before: before)
    } catch {
      outcome.refused += 1
      checkRefusal(error, of: new, before: before)
    }
  }

  private mutating func giveTurn() {
    guard asked > 0 else { return }
    asked -= 1
    let turn = scheduler.turn(at: now)
    // Answers may let others of their sequences wait.
    let isEmpty = scheduler.isEmpty
    let givenUp = turn.dropped.count { $0.cause == .hopeless }
    outcome.givenUp += givenUp
    // Or for what turned out to be called off.
    let isForSomebody = turn.action != .rest || turn.dropped.count > givenUp
    expect(givenUp == 0 || isForSomebody, "\(givenUp) requests were given up for nobody")
    answer(turn.dropped)
    switch turn.action {
    case .rest:
      expect(turn.batch.isEmpty && isEmpty, "a turn rested while \(scheduler.count) wait")
    case .wait(let until):
      expect(turn.batch.isEmpty && until > now, "a turn waits until \(until), at \(now)")
      checkLinger(until: until)
      wakes.append(until)
    case .execute(let ticket, let reason):
      outcome.batches += 1
      outcome.reasons[reason, default: 0] += 1
      checkBatch(turn.batch)
      for job in turn.batch { leave(job) }
      let rows = turn.batch.reduce(0) { $0 + $1.rows }
      let end = now + fixedCost + rowCost * Int64(rows) + .random(in: 0...10, using: &random)
      running.append(RunningBatch(ticket: ticket, end: end, jobs: turn.batch))
    }
  }

  private mutating func finishFirst() {
    if directRunning > 0, Bool.random(using: &random) {
      directRunning -= 1
      if scheduler.endDirect() { asked += 1 }
      return
    }
    guard let first = running.indices.min(by: { running[$0].end < running[$1].end }) else { return }
    let batch = running.remove(at: first)
    pass(max(batch.end - now, 0))
    execute(batch.jobs)
    // A plugin may answer before or after its batch has returned.
    let answersLater = Bool.random(using: &random)
    if !answersLater { goOn(batch.jobs) }
    if scheduler.finished(batch.ticket, at: now) { asked += 1 }
    if answersLater { goOn(batch.jobs) }
  }

  /// Tells the scheduler that `batch` was answered, which sequences wait for.
  private mutating func goOn(_ batch: [SimulatedJob]) {
    for job in batch { leaveSequence(job, isSuccess: !job.isBad) }
  }

  /// Answers a batch, which fails as a whole if it holds a bad job.
  private mutating func execute(_ batch: [SimulatedJob]) {
    var bisection = Bisection(batch)
    var attempts = 0
    while let part = bisection.next() {
      attempts += 1
      if part.count > 1, part.contains(where: \.isBad) {
        bisection.failed(leaving: part)
      } else {
        for job in part { job.answers += 1 }
      }
    }
    expect(attempts < 2 * batch.count, "\(attempts) executions for a batch of \(batch.count)")
  }

  private mutating func runDirectly() {
    guard policy.sequences == nil else { return }
    let mayRun = scheduler.turns < policy.turnLimit && scheduler.isEmpty
    guard scheduler.beginDirect() else { return expect(!mayRun, "a direct run was refused on an idle model") }
    expect(mayRun, "a direct run overtook those that wait")
    directRunning += 1
  }

  /// Lets time pass, and wakes the scheduler where it asked for it.
  private mutating func pass(_ time: Int64) {
    now += time
    while let due = wakes.firstIndex(where: { $0 <= now }) {
      wakes.remove(at: due)
      if scheduler.wake(at: now) { asked += 1 }
    }
  }

  mutating func answer(_ dropped: [(job: SimulatedJob, cause: DropCause)]) {
    for (job, cause) in dropped {
      outcome.dropped += 1
      checkDrop(job, cause)
      leave(job)
      job.answers += 1
    }
    for (job, _) in dropped { leaveSequence(job, isSuccess: false) }
  }

  /// Serves, or throws out, all that is left; then everyone has been answered.
  private mutating func end() {
    if Int.random(in: 0..<8, using: &random) == 0 {
      sequences = [:]
      for job in scheduler.drain() {
        leave(job)
        job.answers += 1
      }
    }
    var events = 0
    while verdict.violation == nil, asked > 0 || !running.isEmpty || !wakes.isEmpty || directRunning > 0 {
      giveTurn()
      finishFirst()
      if let wake = wakes.min() { pass(max(wake - now, 0)) }
      checkTurns()
      events += 1
      expect(events < 10_000, "the schedule does not end")
    }
    expect(scheduler.count == 0, "\(scheduler.count) requests were forgotten")
    expect(scheduler.bytes == 0, "an empty queue holds \(scheduler.bytes) bytes")
    for job in jobs { expect(job.answers == 1, "request \(job.serial) was answered \(job.answers) times") }
  }
}

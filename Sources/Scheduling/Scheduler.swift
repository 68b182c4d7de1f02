/// What is to be done with a turn.
public struct Turn<Job: Schedulable> {
  public enum Action: Sendable, Equatable {
    /// Run the batch, and say `finished` with this number.
    case execute(ticket: Int, reason: ReleaseReason)
    /// The turn is given back. Call `wake` at this time: what waits is held back for more.
    case wait(until: Int64)
    /// The turn is given back: nothing waits.
    case rest
  }

  public var action = Action.rest
  /// To be executed as one batch, in order of arrival within a level.
  public var batch: [Job] = []
  /// To be refused.
  public var dropped: [(job: Job, cause: DropCause)] = []
}

/// A batch that has a turn.
struct RunningBatch {
  var ticket: Int
  var start: Int64
  var expectedEnd: Int64
  var rows: Int
  var rowClass: Int
  /// When its requests were thought to end as they came, the latest of them; 0: nothing was known.
  var promisedEnd: Int64
}

/// Decides what waits for a model, what is refused, and what runs together and when.
///
/// A value that decides and does nothing: events go in, what to do comes out, and time is an argument. Whoever
/// holds it has turns (a thread that executes), as many at once as the policy says: it asks for as many as the
/// events return, calls `turn` with each, executes what that gives, and ends with `finished`.
///
/// - A free turn takes what is there at once; work gathers only while all turns run. `linger` is the exception.
/// - A batch is led by the oldest of the most important level that has any; one batch in eight by the oldest of
///   all, so that nothing starves. What has the leader's shape fills it, wherever in the queue it stands.
/// - Of what may go together, as many rows go as are served fastest by the times learnt so far, within the
///   earliest deadline among them. Where a batch made small for one would make more of those behind it late, that one
///   is given up.
/// - Work of equal level and shape runs in order of arrival.
/// - Work of one sequence runs in order of arrival, one at a time.
public struct Scheduler<Job: Schedulable> {
  /// Work without rows fills no batch, so its number is bounded too.
  public static var maximumJobsPerBatch: Int { 1024 }
  /// One batch in so many is led by the oldest of all.
  public static var oldestFirstInterval: UInt64 { 8 }

  public private(set) var policy: SchedulingPolicy
  var waiting: WaitingList<Job>
  var sequences = SequenceTable<Job>()
  var times = TimesByRowSize()
  var arrivals = ArrivalRate()
  /// How far off it was when batches, and when those who came, were thought to end.
  var batchError = PredictionError()
  var admissionError = PredictionError()
  var running: [RunningBatch] = []
  /// Turns asked for or running; at most `policy.turnLimit`.
  public internal(set) var turns = 0
  public internal(set) var releases: UInt64 = 0
  /// When what is held back goes; 0 while nothing is.
  var lingerEnd: Int64 = 0
  /// Whether the next batch has been held back already.
  var lingered = false
  /// The size of the rows that ran last.
  var lastRowClass = 0
  private var sequence: UInt64 = 0
  /// No deadline of what waits is before this.
  private var nextExpiry = Int64.max
  public internal(set) var history = BatchHistory()

  public init(policy: SchedulingPolicy) {
    self.policy = policy
    // What is late and was to be delayed waits behind all levels.
    waiting = WaitingList(levelCount: policy.levels.count + 1)
  }

  /// What waits, with what is held until its sequence lets it.
  public var count: Int { waiting.count + sequences.heldCount }
  public var bytes: Int { waiting.bytes + sequences.heldBytes }
  /// Whether nothing waits for a turn.
  public var isEmpty: Bool { waiting.isEmpty }

  // MARK: - Events

  /// Takes all of `jobs`, the parts of one request, in, or none and says why not. Where nothing waits, one
  /// request always fits, whatever its size.
  ///
  /// - Returns: turns to ask for.
  public mutating func arrive(_ jobs: [Job], at now: Int64) throws(Refusal) -> Int {
    guard let first = jobs.first else { return 0 }
    let level = policy.level(priority: first.priority)
    if policy.sequences != nil { try admitToSequence(first, at: now) }
    var weight = 0
    for job in jobs { weight += self.weight(of: job) }
    arrivals.arrived(rows: weight, window: arrivalWindow, at: now)
    let expectedEnd = expectedEnd(of: first, weight: weight, level: level, at: now)
    if count > 0 { try admit(jobs, level: level, expectedEnd: expectedEnd, at: now) }
    var ready = 0
    for job in jobs {
      let deadline = deadline(of: job, level: level, at: now)
      if deadline != 0 { nextExpiry = min(nextExpiry, deadline) }
      let entry = Waiting(
        job: job, sequence: sequence, arrival: now, weight: self.weight(of: job), deadline: deadline,
        expectedEnd: expectedEnd ?? 0)
      sequence += 1
      guard mayWait(entry, level: level) else { continue }
      waiting.append(entry, level: level)
      ready += 1
    }
    if lingerEnd != 0 {
      guard isFull(first, level: level) || jobs.count > 1 || lingerEnd <= now else { return 0 }
      lingerEnd = 0
    }
    return ask(for: ready)
  }

  /// The batch that took a turn has run: its time is learnt, if it ran as it should. True: what waits needs the
  /// turn again.
  public mutating func finished(_ ticket: Int, learns: Bool = true, at now: Int64) -> Bool {
    if let index = running.firstIndex(where: { $0.ticket == ticket }) {
      let done = running.remove(at: index)
      if learns { learn(from: done, at: now) }
      history.finished(ticket, at: now)
    }
    return giveBack()
  }

  /// Each turn takes one piece of work from now on, where nothing is stacked.
  public mutating func endTrains() { policy.trainLimit = 1 }

  /// Takes a turn for work that never waits. False: all run, or others wait for one.
  public mutating func beginDirect() -> Bool {
    guard turns < policy.turnLimit, isEmpty else { return false }
    turns += 1
    return true
  }

  /// Ends what `beginDirect` began. True: what waits needs the turn.
  public mutating func endDirect() -> Bool { giveBack() }

  /// The time that a turn said to wait for has come. True: there is a turn to take now.
  public mutating func wake(at now: Int64) -> Bool {
    guard lingerEnd != 0, now >= lingerEnd, !isEmpty else { return false }
    lingerEnd = 0
    return ask(for: 1) == 1
  }

  /// Takes out what is not waited for any more and what is late, while no turn is free to do so.
  public mutating func sweep(at now: Int64, cancelled: Bool = true) -> [(job: Job, cause: DropCause)] {
    guard cancelled || now >= nextExpiry else { return [] }
    var earliest = Int64.max
    let gone = waiting.removeAll { entry in
      if entry.isLost(at: now) { return true }
      if entry.deadline != 0 { earliest = min(earliest, entry.deadline) }
      return false
    }
    let held = sequences.removeHeld { entry in
      if entry.isLost(at: now) { return true }
      if entry.deadline != 0 { earliest = min(earliest, entry.deadline) }
      return false
    }
    nextExpiry = earliest
    return gone.compactMap { entry, level in drop(entry, level: level, at: now) } + held.map(\.dropped)
  }

  /// Takes all that waits out.
  public mutating func drain() -> [Job] {
    lingerEnd = 0
    let held = sequences.entries.keys.flatMap { sequences.remove($0) }
    return waiting.removeAll { _ in true }.map(\.entry.job) + held.map(\.job)
  }

  // MARK: - What follows from them

  mutating func ask(for count: Int) -> Int {
    let asked = max(min(policy.turnLimit - turns, count), 0)
    turns += asked
    return asked
  }

  private mutating func learn(from done: RunningBatch, at now: Int64) {
    if times[done.rowClass].isSettled(rows: done.rows) { batchError.learn(now - done.expectedEnd) }
    times.learn(rowClass: done.rowClass, rows: done.rows, duration: now - done.start)
    if done.promisedEnd > 0 { admissionError.learn(now - done.promisedEnd) }
  }

  /// Rows that `job` adds to a batch's time.
  func weight(of job: Job) -> Int { policy.maximumRows == nil ? 1 : max(job.rows, 1) }

  func rowClass(of job: Job) -> Int {
    TimesByRowSize.rowClass(byteCount: job.byteCount, rows: weight(of: job))
  }

  private mutating func giveBack() -> Bool {
    if !isEmpty && lingerEnd == 0 { return true }
    turns -= 1
    return false
  }

  private func deadline(of job: Job, level: Int, at now: Int64) -> Int64 {
    let timeout = policy.levels[level].timeout
    guard timeout > 0 else { return job.deadline }
    let (end, overflow) = now.addingReportingOverflow(timeout)
    if overflow { return job.deadline }
    return job.deadline == 0 ? end : min(job.deadline, end)
  }

  /// What becomes of an entry that was taken out: nil if it goes on waiting, behind all levels.
  mutating func drop(
    _ entry: Waiting<Job>, level: Int, at now: Int64
  ) -> (job: Job, cause: DropCause)? {
    if entry.job.isCancelled { return (entry.job, .cancelled) }
    let isDelayed = level < policy.levels.count && policy.levels[level].timeoutAction == .delay
    guard isDelayed else { return (entry.job, now >= entry.deadline ? .expired : .hopeless) }
    var late = entry
    late.deadline = 0
    waiting.append(late, level: policy.levels.count)
    return nil
  }
}

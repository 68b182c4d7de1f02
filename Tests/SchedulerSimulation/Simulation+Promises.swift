import Scheduling

/// What the scheduler promises.
extension Simulation {
  func expect(_ holds: Bool, _ violation: @autoclosure () -> String) {
    if !holds, verdict.violation == nil { verdict.violation = "at \(now): \(violation())" }
  }

  private func level(of job: SimulatedJob) -> Int {
    (1...policy.levels.count).contains(job.priority) ? job.priority : policy.defaultLevel
  }

  private func levelPolicy(of job: SimulatedJob) -> LevelPolicy { policy.levels[level(of: job) - 1] }

  /// Turns are counted, kept within their limit, and not left idle while anything waits.
  mutating func checkTurns() {
    let turns = asked + running.count + directRunning
    expect(scheduler.turns == turns, "\(turns) turns are out, the scheduler counts \(scheduler.turns)")
    expect(turns <= policy.turnLimit, "\(turns) turns are out, the limit is \(policy.turnLimit)")
    expect(
      scheduler.isEmpty || turns > 0 || !wakes.isEmpty, "\(scheduler.count) wait, and nothing will serve them"
    )
  }

  /// No bound is passed, but by one request where nothing waited.
  mutating func checkBounds(_ new: [SimulatedJob], before: Int) {
    guard before > 0, let first = new.first else { return }
    expect(scheduler.count <= policy.requests, "\(scheduler.count) wait, the limit is \(policy.requests)")
    expect(scheduler.bytes <= policy.bytes, "\(scheduler.bytes) bytes wait, the limit is \(policy.bytes)")
    let limit = levelPolicy(of: first).requests
    let waiting = jobs.filter { !$0.hasLeft && level(of: $0) == level(of: first) }.count
    guard limit > 0, policy.sequences == nil, levelPolicy(of: first).timeoutAction == .reject,
      waiting > new.count
    else { return }
    expect(waiting <= limit, "\(waiting) wait at level \(level(of: first)), the limit is \(limit)")
  }

  mutating func checkRefusal(_ refusal: Refusal, of new: [SimulatedJob], before: Int) {
    expect(scheduler.count == before, "a refused request left something behind")
    if checkSequenceRefusal(refusal, of: new[0]) { return }
    expect(before > 0, "a request was refused where nothing waits: \(refusal)")
    if case .clientShare = refusal.cause {
      let own = jobs.contains { !$0.hasLeft && $0.client == new[0].client }
      expect(own, "a client with nothing waiting was over its share")
    }
  }

  /// One shape, within the maximum, of live requests, and in order of arrival among equals.
  mutating func checkBatch(_ batch: [SimulatedJob]) {
    expect(!batch.isEmpty, "an empty batch was released")
    let rows = batch.reduce(0) { $0 + $1.rows }
    if let maximum = policy.maximumRows {
      expect(rows <= maximum, "a batch of \(rows) rows, the maximum is \(maximum)")
    } else {
      expect(
        batch.count <= policy.trainLimit,
        "\(batch.count) requests went together for a model that does not stack, the limit is \(policy.trainLimit)"
      )
    }
    for job in batch {
      expect(job.shape == batch[0].shape, "a batch mixes shapes \(batch[0].shape) and \(job.shape)")
      expect(!job.isCancelled, "request \(job.serial) was executed though nobody waits for it")
      let mayBeLate = levelPolicy(of: job).timeoutAction == .delay
      expect(mayBeLate || job.deadline == 0 || now < job.deadline, "request \(job.serial) ran too late")
      checkSequenceOrder(job, in: batch)
      guard !mayBeLate, !job.wasHeld else { continue }
      let place = level(of: job) * 16 + job.shape
      expect(job.serial > lastReleased[place] ?? -1, "request \(job.serial) was overtaken by an equal")
      lastReleased[place] = job.serial
    }
  }

  /// Nothing waits for more batches than those before it can lead, each as one in so many. Those before it are
  /// the older ones; of what was delayed, also whatever was delayed before.
  mutating func leave(_ job: SimulatedJob) {
    expect(job.isAdmitted && !job.hasLeft, "request \(job.serial) left the queue twice")
    job.hasLeft = true
    guard !job.wasHeld else { return }
    let passed = scheduler.releases - job.releasesBefore
    let before = levelPolicy(of: job).timeoutAction == .delay ? jobs.count : job.older
    let bound = Scheduler<SimulatedJob>.oldestFirstInterval * UInt64(before + 2)
    expect(passed <= bound, "request \(job.serial) starved for \(passed) batches with \(before) before it")
  }

  mutating func checkDrop(_ job: SimulatedJob, _ cause: DropCause) {
    let timeout = levelPolicy(of: job).timeout
    switch cause {
    case .cancelled: expect(job.isCancelled, "request \(job.serial) was called off by nobody")
    case .sequenceEnded:
      expect(job.wasHeld, "request \(job.serial) was dropped with a sequence that it began")
    case .hopeless:
      expect(job.deadline != 0 || timeout != 0, "request \(job.serial) without a deadline was given up")
    case .expired:
      let isLate =
        (job.deadline != 0 && now >= job.deadline) || (timeout != 0 && now >= job.arrival + timeout)
      expect(isLate, "request \(job.serial) was dropped before its deadline")
    }
  }

  /// Held back no longer than allowed, and in time for every deadline.
  mutating func checkLinger(until: Int64) {
    let waiting = jobs.filter { !$0.hasLeft }
    guard let oldest = waiting.map(\.arrival).min() else {
      return expect(false, "nothing is held back")
    }
    expect(
      until <= oldest + policy.linger,
      "held back until \(until), \(until - oldest) after the oldest came; the limit is \(policy.linger)")
    for job in waiting where job.deadline != 0 && levelPolicy(of: job).timeoutAction == .reject {
      expect(until <= job.deadline, "request \(job.serial) is held back past its deadline")
    }
  }
}

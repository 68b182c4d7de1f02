extension Scheduler {
  /// Throws why `jobs` may not come in, where others wait.
  func admit(_ jobs: [Job], level: Int, at now: Int64) throws(Refusal) {
    let wait = predictedWait(level: level, at: now)
    if let cause = fullness(jobs, level: level) ?? lateness(jobs, wait: wait, at: now) {
      throw Refusal(cause: cause, retryAfter: wait)
    }
  }

  private func fullness(_ jobs: [Job], level: Int) -> Refusal.Cause? {
    guard jobs.count <= policy.requests - waiting.count else {
      return .requests(waiting: waiting.count, limit: policy.requests)
    }
    let limit = policy.levels[level].requests
    let ofLevel = waiting.count(level: level)
    if limit > 0, ofLevel > 0, jobs.count > limit - ofLevel {
      return .levelRequests(level: level + 1, waiting: ofLevel, limit: limit)
    }
    let bytes = jobs.reduce(0) { $0 + $1.byteCount }
    guard bytes <= policy.bytes - waiting.bytes else {
      return .bytes(waiting: waiting.bytes, limit: policy.bytes)
    }
    let isOver = waiting.shares.isOverShare(
      jobs[0].client, requestsLeft: policy.requests - waiting.count, bytesLeft: policy.bytes - waiting.bytes)
    return isOver ? .clientShare(requests: waiting.shares.requests(of: jobs[0].client)) : nil
  }

  private func lateness(_ jobs: [Job], wait: Int64, at now: Int64) -> Refusal.Cause? {
    if policy.wait > 0, wait > policy.wait { return .wait(predicted: wait, limit: policy.wait) }
    let deadline = jobs[0].deadline
    guard deadline != 0, deadline > now else { return nil }
    let own = times[TimesByRowSize.rowClass(of: jobs[0])].duration(rows: jobs[0].rows) ?? 0
    let late = wait + Int64(own) - (deadline - now)
    return late > 0 ? .deadline(predicted: late) : nil
  }

  /// Nanoseconds that work of the level of `priority` that came now would wait, as far as is known.
  public func predictedWait(priority: Int = 0, at now: Int64) -> Int64 {
    predictedWait(level: policy.level(priority: priority), at: now)
  }

  /// What runs has to end, then what waits before it is served at the best rate, on all turns.
  func predictedWait(level: Int, at now: Int64) -> Int64 {
    var wait = 0.0
    if running.count >= policy.turnLimit, let soonest = running.map(\.expectedEnd).min() {
      wait = Double(max(soonest - now, 0))
    }
    let rows = Double(waiting.rows(upTo: level))
    if rows > 0, let rate = knownRate { wait += rows / (rate * Double(policy.turnLimit)) }
    return Int64(min(wait, 1e18))
  }

  /// Rows per nanosecond of one turn at its best, for rows like those that ran last.
  private var knownRate: Double? {
    let rate = times[lastRowClass].bestRate
    return rate > 0 ? rate : nil
  }

  /// Whether what waits like `job` fills a batch.
  func isFull(_ job: Job, level: Int) -> Bool {
    guard let maximum = policy.maximumRows, waiting.rows(upTo: level) < maximum else { return true }
    return false
  }
}

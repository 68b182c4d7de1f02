extension Scheduler {
  /// Throws why `jobs` may not come in, where others wait.
  func admit(_ jobs: [Job], level: Int, expectedEnd: Int64?, at now: Int64) throws(Refusal) {
    let wait = predictedWait(level: level, at: now)
    let cause =
      fullness(jobs, level: level)
      ?? lateness(jobs[0], wait: wait, expectedEnd: expectedEnd, at: now)
    if let cause { throw Refusal(cause: cause, retryAfter: wait) }
  }

  private func fullness(_ jobs: [Job], level: Int) -> Refusal.Cause? {
    guard jobs.count <= policy.requests - count else {
      return .requests(waiting: count, limit: policy.requests)
    }
    let limit = policy.levels[level].requests
    let ofLevel = waiting.count(level: level)
    if limit > 0, ofLevel > 0, jobs.count > limit - ofLevel {
      return .levelRequests(level: level + 1, waiting: ofLevel, limit: limit)
    }
    let bytes = jobs.reduce(0) { $0 + $1.byteCount }
    guard bytes <= policy.bytes - self.bytes else {
      return .bytes(waiting: self.bytes, limit: policy.bytes)
    }
    let isOver = waiting.shares.isOverShare(
      jobs[0].client, requestsLeft: policy.requests - count, bytesLeft: policy.bytes - self.bytes)
    return isOver ? .clientShare(requests: waiting.shares.requests(of: jobs[0].client)) : nil
  }

  private func lateness(_ job: Job, wait: Int64, expectedEnd: Int64?, at now: Int64) -> Refusal.Cause? {
    if policy.wait > 0, wait > policy.wait { return .wait(predicted: wait, limit: policy.wait) }
    guard job.deadline > now, let expectedEnd else { return nil }
    let end = expectedEnd + Int64(admissionError.allowance(for: Double(expectedEnd - now)))
    return end > job.deadline ? .deadline(predicted: end - job.deadline) : nil
  }

  // MARK: - Predictions

  /// Nanoseconds that work of the level of `priority` that came now would wait, as far as is known.
  public func predictedWait(priority: Int = 0, at now: Int64) -> Int64 {
    predictedWait(level: policy.level(priority: priority), at: now)
  }

  /// What runs has to end, then what waits before it is served at the best rate, on all turns.
  func predictedWait(level: Int, at now: Int64) -> Int64 {
    var wait = Double(untilTurn(at: now))
    let rows = Double(waiting.rows(upTo: level))
    let rate = times[lastRowClass].bestRate
    if rows > 0, rate > 0 { wait += rows / (rate * Double(policy.turnLimit)) }
    return Int64(min(wait, 1e18))
  }

  /// Until so many and one of what runs are thought to have ended; 0 where a turn is free.
  private func untilTurn(_ before: Int = 0, at now: Int64) -> Int64 {
    guard running.count >= policy.turnLimit else { return 0 }
    guard before > 0 else {
      // A loop, since this is asked for each request and under the model's lock.
      var end = Int64.max
      for batch in running { end = min(end, batch.expectedEnd) }
      return max(end - now, 0)
    }
    return max(running.map { $0.expectedEnd }.sorted()[min(before, running.count - 1)] - now, 0)
  }

  /// When `job` will have been served if it comes now, nil if that is not known: after whole batches of those before
  /// it, in a batch with the rest of them.
  ///
  /// More comes behind it while it waits. Where more comes than can be served, that fills its batch, which takes
  /// longer for it; else a batch is made as small as a deadline wants it, and it counts alone.
  func expectedEnd(of job: Job, weight: Int, level: Int, at now: Int64) -> Int64? {
    let times = times[rowClass(of: job)]
    guard let own = times.duration(rows: weight) else { return nil }
    let ahead = waiting.rows(upTo: level)
    let size = max(times.bestRows, 1)
    let (rounds, before) = (ahead / size).quotientAndRemainder(dividingBy: policy.turnLimit)
    let start = Double(untilTurn(before, at: now)) + Double(rounds) * (times.duration(rows: size) ?? own)
    var rows = ahead % size + weight
    if arrivals.rowRate > 0.95 * times.bestRate * Double(policy.turnLimit) {
      rows = max(min(size, rows + Int(min(arrivals.rowRate * start, 1e9))), weight)
    }
    let end = start + max(times.duration(rows: rows) ?? own, own)
    return now + Int64(min(end, 1e18))
  }

  /// Nanoseconds over which arrivals are counted: eight batches.
  var arrivalWindow: Double {
    let times = times[lastRowClass]
    return max(8 * (times.duration(rows: times.bestRows) ?? 0), 10e6)
  }

  /// Whether what waits like `job` fills a batch.
  func isFull(_ job: Job, level: Int) -> Bool {
    guard let maximum = policy.maximumRows, waiting.rows(upTo: level) < maximum else { return true }
    return false
  }
}

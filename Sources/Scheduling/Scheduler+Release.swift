extension Scheduler {
  /// Puts together what a free turn is to execute.
  public mutating func turn(at now: Int64) -> Turn<Job> {
    var turn = Turn<Job>()
    guard let leader = leader(at: now, &turn) else {
      lingered = false
      turns -= 1
      return turn
    }
    var draft = gather(leader, at: now, &turn)
    var size = bestSize(draft, at: now)
    if size.isCutByDeadline, let time = timeToGiveUpFor(draft, size, at: now) {
      giveUp(&draft, leader, unlessWithin: time, at: now, &turn)
      size = bestSize(draft, at: now)
    }
    if let end = lingerEnd(draft, size, at: now) {
      putBack(&draft, keeping: 0)
      lingerEnd = end
      lingered = true
      turns -= 1
      turn.action = .wait(until: end)
      return turn
    }
    putBack(&draft, keeping: size.count)
    release(draft, size, at: now, &turn)
    return turn
  }

  /// What may go into one batch, taken out of the queue for now.
  private struct Draft {
    var entries: [(entry: Waiting<Job>, group: Int)] = []
    /// Rows, and what they weigh in time.
    var rows = 0
    var weight = 0
    /// Whether more of the shape waits, which does not fit.
    var isFull = false

    func holds(_ group: Int) -> Bool { entries.contains { $0.group == group } }

    mutating func add(_ entry: Waiting<Job>, _ group: Int) {
      rows += entry.job.rows
      weight += entry.weight
      entries.append((entry, group))
    }

    mutating func popLast() -> (entry: Waiting<Job>, group: Int)? {
      guard let last = entries.popLast() else { return nil }
      rows -= last.entry.job.rows
      weight -= last.entry.weight
      return last
    }
  }

  private struct Size {
    /// Entries of the draft that go.
    var count: Int
    /// Whether more would have been served faster, but too late for one of them.
    var isCutByDeadline = false
    var duration: Double?
    /// What it would have been without deadlines, in rows.
    var uncutWeight = 0
  }

  // MARK: - Who leads

  /// The group whose oldest leads the next batch, after those that cannot have been taken out.
  private mutating func leader(at now: Int64, _ turn: inout Turn<Job>) -> Int? {
    while let group = nextLeader() {
      guard let entry = waiting.first(of: group), isLost(entry, at: now) else { return group }
      let level = waiting.level(of: group)
      guard let lost = waiting.popFirst(of: group) else { continue }
      waiting.retireIfEmpty(group)
      if let dropped = drop(lost, level: level, at: now) { turn.dropped.append(dropped) }
    }
    return nil
  }

  private mutating func nextLeader() -> Int? {
    let isTurnOfOldest = releases % Self.oldestFirstInterval == Self.oldestFirstInterval - 1
    var oldest: (group: Int, sequence: UInt64)?
    for level in 0..<waiting.levelCount {
      guard let leader = waiting.leader(level: level) else { continue }
      guard isTurnOfOldest else { return leader.group }
      if leader.sequence < oldest?.sequence ?? .max { oldest = leader }
    }
    return oldest?.group
  }

  /// Cancelled, late, or unable to end in time where others wait that may be.
  private func isLost(_ entry: Waiting<Job>, at now: Int64) -> Bool {
    if entry.job.isCancelled { return true }
    guard entry.deadline != 0 else { return false }
    if now >= entry.deadline { return true }
    guard waiting.count > 1 else { return false }
    return now + Int64(times[rowClass(of: entry.job)].duration(rows: entry.weight) ?? 0) > entry.deadline
  }

  /// Whether a batch that takes so long from now on would nearly surely be late for `entry`.
  private func isLate(_ entry: Waiting<Job>, after time: Double, at now: Int64) -> Bool {
    entry.deadline != 0 && now + Int64(time + batchError.allowance(for: time)) > entry.deadline
  }

  // MARK: - Who goes with it

  private mutating func gather(_ leader: Int, at now: Int64, _ turn: inout Turn<Job>) -> Draft {
    var draft = Draft()
    let first = waiting.first(of: leader)
    fill(&draft, from: leader, at: now, &turn)
    guard let first, policy.maximumRows != nil else { return draft }
    for level in 0..<waiting.levelCount where !draft.isFull && level != waiting.level(of: leader) {
      guard let group = waiting.find(first.job, level: level) else { continue }
      fill(&draft, from: group, at: now, &turn)
    }
    return draft
  }

  /// - Parameter time: what cannot end within it is given up; nil: what cannot end alone.
  private mutating func fill(
    _ draft: inout Draft, from group: Int, unlessWithin time: Double? = nil, at now: Int64,
    _ turn: inout Turn<Job>
  ) {
    let level = waiting.level(of: group)
    // Nothing goes back to a group that nothing was taken from.
    defer { if !draft.holds(group) { waiting.retireIfEmpty(group) } }
    while let next = waiting.first(of: group) {
      if !draft.entries.isEmpty,
        isLost(next, at: now) || time.map({ isLate(next, after: $0, at: now) }) == true
      {
        guard let lost = waiting.popFirst(of: group) else { return }
        if let dropped = drop(lost, level: level, at: now) { turn.dropped.append(dropped) }
        continue
      }
      guard fits(next.job, draft) else {
        draft.isFull = true
        return
      }
      guard let entry = waiting.popFirst(of: group) else { return }
      draft.add(entry, group)
    }
  }

  private func fits(_ job: Job, _ draft: Draft) -> Bool {
    guard !draft.entries.isEmpty else { return true }
    guard let maximum = policy.maximumRows else { return extendsTrain(job, draft) }
    return draft.rows <= maximum && job.rows <= maximum - draft.rows
      && draft.entries.count < Self.maximumJobsPerBatch
  }

  /// Whether `job` is known to be so short that it may be done after those of the draft. What other turns could begin
  /// at once is left to them.
  private func extendsTrain(_ job: Job, _ draft: Draft) -> Bool {
    let count = draft.entries.count + 1
    // By the best rate: a train that once took long, for whatever reason, must not be the last.
    guard count <= policy.trainLimit,
      Double(count) <= Double(policy.trainTime) * times[rowClass(of: job)].bestRate
    else { return false }
    let free = max(policy.turnLimit - running.count, 1)
    return draft.entries.count * free < waiting.count + draft.entries.count
  }

  // MARK: - How many of them

  /// The beginning of the draft that is served fastest within its deadlines; all of it while too little is known.
  private func bestSize(_ draft: Draft, at now: Int64) -> Size {
    let times = times[rowClass(of: draft.entries[0].entry.job)]
    guard !times.isEmpty, draft.entries.count > 1 else {
      return Size(count: draft.entries.count, duration: times.duration(rows: draft.weight))
    }
    // Now and then as many as there are, so that what was learnt of a size once is learnt again; of a train always.
    let isTrial = releases % 32 == 0 || policy.maximumRows == nil
    var best = Size(count: 1)
    var bestRate = 0.0
    var weight = 0
    var earliest = Int64.max
    for (index, (entry, _)) in draft.entries.enumerated() {
      weight += entry.weight
      if entry.deadline != 0 { earliest = min(earliest, entry.deadline) }
      let duration = times.duration(rows: weight) ?? 0
      let rate = Double(weight) / max(duration, 1)
      // What is a little slower by a noisy figure is taken along: it has waited.
      guard isTrial || rate >= bestRate * 0.97 else { continue }
      bestRate = max(rate, bestRate)
      best.uncutWeight = weight
      guard !best.isCutByDeadline else { continue }
      if index > 0, earliest != .max, now + Int64(duration + batchError.allowance(for: duration)) > earliest {
        best.isCutByDeadline = true
        continue
      }
      best.count = index + 1
      best.duration = duration
    }
    return best
  }

  // MARK: - Whom to give up

  /// The time of the batch that would have been without deadlines, if fewer are late when it gives up those that
  /// cannot wait so long than when it is cut for them; nil where the cut does no more harm.
  private func timeToGiveUpFor(_ draft: Draft, _ cut: Size, at now: Int64) -> Double? {
    let times = times[rowClass(of: draft.entries[0].entry.job)]
    guard let whole = times.duration(rows: cut.uncutWeight), let short = cut.duration,
      draft.entries.contains(where: { !isLate($0.entry, after: whole, at: now) })
    else { return nil }
    let cutWeight = draft.entries[..<cut.count].reduce(0) { $0 + $1.entry.weight }
    let ifCut = lateCount(draft, weight: cutWeight, time: short, givesUp: false, times, at: now)
    guard ifCut > 0 else { return nil }
    let ifWhole = lateCount(draft, weight: cut.uncutWeight, time: whole, givesUp: true, times, at: now)
    return ifWhole < ifCut ? whole : nil
  }

  /// How many of the draft, and of what waits behind it, will be late if a batch of such weight goes now, and the rest
  /// after it in batches of the best size.
  ///
  /// - Parameter givesUp: whether the batch gives up whom it is too late for.
  private func lateCount(
    _ draft: Draft, weight: Int, time: Double, givesUp: Bool, _ times: BatchTimes, at now: Int64
  ) -> Int {
    let size = max(times.bestRows, 1)
    let stepTime = times.duration(rows: size) ?? time
    var taken = 0
    var behind = 0
    var late = 0
    func visit(_ entry: Waiting<Job>) -> Bool {
      if taken < weight {
        if givesUp, isLate(entry, after: time, at: now) { late += 1 } else { taken += entry.weight }
        return true
      }
      behind += entry.weight
      guard entry.deadline != 0 else { return true }
      let (batches, rest) = (behind - 1).quotientAndRemainder(dividingBy: size)
      let end = time + Double(batches) * stepTime + (times.duration(rows: rest + 1) ?? stepTime)
      if isLate(entry, after: end, at: now) { late += 1 }
      return true
    }
    for (entry, _) in draft.entries { _ = visit(entry) }
    waiting.forEach(in: draft.entries[0].group, visit)
    return late
  }

  /// Takes those out of the draft that cannot wait so long, and others in for them.
  private mutating func giveUp(
    _ draft: inout Draft, _ leader: Int, unlessWithin time: Double, at now: Int64, _ turn: inout Turn<Job>
  ) {
    let all = draft
    draft = Draft()
    var worst: Int64 = 0
    for (entry, group) in all.entries {
      guard isLate(entry, after: time, at: now) else {
        draft.add(entry, group)
        continue
      }
      if entry.expectedEnd > 0 { worst = max(worst, now + Int64(time) - entry.expectedEnd) }
      if let dropped = drop(entry, level: waiting.level(of: group), at: now) { turn.dropped.append(dropped) }
    }
    // Whoever is given up was let in on a wrong prediction.
    if worst > 0 { admissionError.learn(worst) }
    fill(&draft, from: leader, unlessWithin: time, at: now, &turn)
    var last = leader
    for (_, group) in all.entries where group != last {
      last = group
      if !draft.holds(group) { waiting.retireIfEmpty(group) }
    }
  }

  /// Until when the draft is better held back; nil: it goes now.
  private func lingerEnd(_ draft: Draft, _ size: Size, at now: Int64) -> Int64? {
    guard policy.linger > 0, let maximum = policy.maximumRows, !lingered, !draft.isFull,
      draft.rows < maximum, size.count == draft.entries.count, waiting.isEmpty, running.isEmpty,
      let gap = arrivals.meanGap, let patience = arrivals.patience
    else { return nil }
    let oldest = draft.entries.reduce(Int64.max) { min($0, $1.entry.arrival) }
    let limit = oldest + policy.linger
    guard now + gap <= limit, patience > now else { return nil }
    let end = min(limit, patience)
    let isInTime = draft.entries.allSatisfy {
      $0.entry.deadline == 0 || end + Int64(size.duration ?? 0) <= $0.entry.deadline
    }
    return isInTime ? end : nil
  }

  // MARK: - The release

  private mutating func putBack(_ draft: inout Draft, keeping count: Int) {
    while draft.entries.count > count, let (entry, group) = draft.popLast() {
      waiting.putBack(entry, into: group)
    }
  }

  private mutating func release(
    _ draft: Draft, _ size: Size, at now: Int64, _ turn: inout Turn<Job>
  ) {
    for (_, group) in draft.entries { waiting.retireIfEmpty(group) }
    let leader = draft.entries[0].entry
    let ticket = Int(truncatingIfNeeded: releases)
    releases += 1
    let rows = policy.maximumRows == nil ? draft.weight : draft.rows
    let rowClass = rowClass(of: leader.job)
    lastRowClass = rowClass
    let reason = reason(draft, size)
    lingered = false
    var promisedEnd: Int64 = 0
    var oldest = now
    turn.batch.reserveCapacity(draft.entries.count)
    for (entry, _) in draft.entries {
      promisedEnd = max(promisedEnd, entry.expectedEnd)
      oldest = min(oldest, entry.arrival)
      turn.batch.append(entry.job)
    }
    running.append(
      RunningBatch(
        ticket: ticket, start: now, expectedEnd: now + Int64(size.duration ?? 0), rows: rows,
        rowClass: rowClass, promisedEnd: promisedEnd))
    turn.action = .execute(ticket: ticket, reason: reason)
    history.released(
      BatchRecord(
        ticket: ticket, releasedAt: now, rows: rows, requests: draft.entries.count, reason: reason,
        oldestWait: now - oldest,
        givenUp: turn.dropped.isEmpty ? 0 : turn.dropped.count { $0.cause == .hopeless },
        leftWaiting: waiting.count,
        predicted: size.duration.map { Int64($0) }))
  }

  private func reason(_ draft: Draft, _ size: Size) -> ReleaseReason {
    if size.isCutByDeadline { return .deadline }
    let isMore = waiting.find(draft.entries[0].entry.job, level: waiting.level(of: draft.entries[0].group))
    if draft.isFull || isMore != nil || draft.rows >= policy.maximumRows ?? 0 { return .full }
    if !waiting.isEmpty { return .shape }
    return lingered ? .linger : .idle
  }
}

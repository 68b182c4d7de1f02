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
    let size = bestSize(draft, at: now)
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
    var rows = 0
    /// Whether more of the shape waits, which does not fit.
    var isFull = false
  }

  private struct Size {
    /// Entries of the draft that go.
    var count: Int
    /// Whether more would have been served faster, but too late for one of them.
    var isCutByDeadline = false
    var duration: Double?
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
    let rowClass = TimesByRowSize.rowClass(of: entry.job)
    let own = times[rowClass].duration(rows: entry.job.rows) ?? 0
    return now + Int64(own) > entry.deadline
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

  private mutating func fill(_ draft: inout Draft, from group: Int, at now: Int64, _ turn: inout Turn<Job>) {
    let level = waiting.level(of: group)
    let before = draft.entries.count
    // Nothing goes back to a group that nothing was taken from.
    defer { if draft.entries.count == before { waiting.retireIfEmpty(group) } }
    while let next = waiting.first(of: group) {
      if !draft.entries.isEmpty, isLost(next, at: now) {
        guard let lost = waiting.popFirst(of: group) else { return }
        if let dropped = drop(lost, level: level, at: now) { turn.dropped.append(dropped) }
        continue
      }
      guard fits(next.job, draft) else {
        draft.isFull = true
        return
      }
      guard let entry = waiting.popFirst(of: group) else { return }
      draft.rows += entry.job.rows
      draft.entries.append((entry, group))
    }
  }

  private func fits(_ job: Job, _ draft: Draft) -> Bool {
    guard !draft.entries.isEmpty else { return true }
    guard let maximum = policy.maximumRows else { return false }
    return draft.rows <= maximum && job.rows <= maximum - draft.rows
      && draft.entries.count < Self.maximumJobsPerBatch
  }

  // MARK: - How many of them

  /// The beginning of the draft that is served fastest within its deadlines; all of it while too little is known.
  private func bestSize(_ draft: Draft, at now: Int64) -> Size {
    let times = times[TimesByRowSize.rowClass(of: draft.entries[0].entry.job)]
    guard !times.isEmpty, draft.entries.count > 1 else {
      return Size(count: draft.entries.count, duration: times.duration(rows: draft.rows))
    }
    // Now and then as many as there are, so that what was learnt of a size once is learnt again.
    let isTrial = releases % 32 == 0
    var best = Size(count: 1)
    var bestRate = 0.0
    var rows = 0
    var earliest = Int64.max
    for (index, (entry, _)) in draft.entries.enumerated() {
      rows += entry.job.rows
      if entry.deadline != 0 { earliest = min(earliest, entry.deadline) }
      let duration = times.duration(rows: rows) ?? 0
      let rate = Double(max(rows, 1)) / max(duration, 1)
      // What is a little slower by a noisy figure is taken along: it has waited.
      guard isTrial || rate >= bestRate * 0.97 else { continue }
      if index > 0, earliest != .max, now + Int64(duration) > earliest {
        best.isCutByDeadline = true
        break
      }
      best = Size(count: index + 1, duration: duration)
      bestRate = max(rate, bestRate)
    }
    return best
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
    while draft.entries.count > count, let (entry, group) = draft.entries.popLast() {
      waiting.putBack(entry, into: group)
      draft.rows -= entry.job.rows
    }
  }

  private mutating func release(
    _ draft: Draft, _ size: Size, at now: Int64, _ turn: inout Turn<Job>
  ) {
    for (_, group) in draft.entries { waiting.retireIfEmpty(group) }
    let leader = draft.entries[0].entry
    let ticket = Int(truncatingIfNeeded: releases)
    releases += 1
    let rows = policy.maximumRows == nil ? 1 : draft.rows
    let rowClass = TimesByRowSize.rowClass(of: leader.job)
    lastRowClass = rowClass
    running.append(
      Running(
        ticket: ticket, start: now, expectedEnd: now + Int64(size.duration ?? 0), rows: rows,
        rowClass: rowClass))
    let reason = reason(draft, size)
    lingered = false
    turn.batch = draft.entries.map(\.entry.job)
    turn.action = .execute(ticket: ticket, reason: reason)
    history.released(
      BatchRecord(
        ticket: ticket, releasedAt: now, rows: rows, requests: draft.entries.count, reason: reason,
        oldestWait: now - draft.entries.reduce(now) { min($0, $1.entry.arrival) }, leftWaiting: waiting.count,
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

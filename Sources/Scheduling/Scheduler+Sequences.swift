/// What follows when a piece of a sequence was answered.
public struct SequenceStep<Job: Schedulable> {
  /// Turns to ask for.
  public var turns = 0
  /// What is not executed any more.
  public var dropped: [(job: Job, cause: DropCause)] = []
  /// Whether the sequence is over.
  public var hasEnded = false
}

/// Work that belongs together: see `SequenceUse`. Where `policy.sequences` is nil there is none.
extension Scheduler {
  public var sequenceCount: Int { sequences.count }

  /// Whether `use` is what of its sequence waits or runs.
  public func isCurrent(_ use: SequenceUse) -> Bool { sequences.entries[use.id]?.current === use }

  /// When a sequence will have been idle for too long at the earliest, if nothing more comes of any; nil: there is
  /// none.
  public var nextSequenceExpiry: Int64? {
    guard let limits = policy.sequences else { return nil }
    return sequences.entries.values.map { $0.lastUse + limits.idle + 1 }.min()
  }

  /// Ends the sequences that have been idle for too long.
  public mutating func expireSequences(at now: Int64) -> [SequenceID] {
    guard let limits = policy.sequences else { return [] }
    let idle = sequences.entries.filter { $0.value.isIdle(at: now, limits) }.map(\.key)
    for id in idle { _ = sequences.remove(id) }
    return idle
  }

  /// What `use` belongs to has been answered, or refused after it was taken in: its sequence goes on. If it was to
  /// begin the sequence and failed, there is none, and what is held of it is dropped.
  ///
  public mutating func answered(_ use: SequenceUse, isSuccess: Bool, at now: Int64) -> SequenceStep<Job> {
    var step = SequenceStep<Job>()
    guard sequences.finish(use, at: now) else { return step }
    if use.isEnd || (use.isStart && !isSuccess) {
      step.dropped = sequences.remove(use.id).map { ($0.job, .sequenceEnded) }
      step.hasEnded = true
      return step
    }
    while let (entry, level) = sequences.popHeld(use.id) {
      if entry.isLost(at: now) {
        step.dropped.append(entry.dropped)
        continue
      }
      sequences.goOn(use.id, with: entry.job.sequence)
      waiting.append(entry, level: level)
      step.turns = lingerEnd == 0 ? ask(for: 1) : 0
      return step
    }
    // The end itself may have been lost.
    step.hasEnded = sequences.entries[use.id]?.isEnding == true
    if step.hasEnded { _ = sequences.remove(use.id) }
    return step
  }

  /// Whether `entry`, which its sequence admits, waits for a turn; else it is held until its sequence lets it.
  mutating func mayWait(_ entry: Waiting<Job>, level: Int) -> Bool {
    guard policy.sequences != nil, let use = entry.job.sequence else { return true }
    return sequences.take(entry, use, level: level)
  }

  /// Throws why the sequence of `job` does not begin, or go on, with it.
  func admitToSequence(_ job: Job, at now: Int64) throws(Refusal) {
    guard let limits = policy.sequences else { return }
    guard let use = job.sequence else { throw Refusal(cause: .sequenceMissing, retryAfter: 0) }
    let known = sequences.entries[use.id]
    guard use.isStart else {
      if let known, !known.isEnding, !known.isIdle(at: now, limits) { return }
      throw Refusal(cause: .sequenceUnknown(use.id), retryAfter: 0)
    }
    if let known {
      if known.current == nil { return }
      throw Refusal(cause: .sequenceBusy(use.id), retryAfter: predictedWait(level: 0, at: now))
    }
    if sequences.count < limits.limit { return }
    let wait = nextSequenceExpiry.map { max($0 - now, 0) } ?? limits.idle
    throw Refusal(cause: .sequences(limit: limits.limit), retryAfter: wait)
  }
}

extension Waiting {
  /// Whether it cannot be executed any more.
  func isLost(at now: Int64) -> Bool { job.isCancelled || (deadline != 0 && now >= deadline) }

  /// What becomes of it where it is lost.
  var dropped: (job: Job, cause: DropCause) { (job, job.isCancelled ? .cancelled : .expired) }
}

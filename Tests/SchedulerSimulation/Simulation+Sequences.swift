import Scheduling

/// What a schedule knows of a sequence.
struct SimulatedSequence {
  /// Those that were let in and not answered, in order of arrival.
  var open: [SimulatedJob] = []
  var isEnding = false
  var lastUse: Int64
}

/// What the scheduler promises of sequences.
extension Simulation {
  mutating func enterSequence(_ job: SimulatedJob) {
    guard let limits = policy.sequences else { return }
    guard let use = job.sequence else { return expect(false, "a request of no sequence was let in") }
    outcome.inSequences += 1
    if use.isStart {
      expect(sequences[use.id]?.open.isEmpty ?? true, "sequence \(use.id) began again before it was done")
      sequences[use.id] = SimulatedSequence(lastUse: now)
    } else if let known = sequences[use.id] {
      let isIdle = known.open.isEmpty && now - known.lastUse > limits.idle
      expect(!known.isEnding && !isIdle, "sequence \(use.id) went on after its end")
    } else {
      expect(false, "sequence \(use.id) went on before its start")
    }
    job.wasHeld = sequences[use.id]?.open.isEmpty == false
    sequences[use.id]?.open.append(job)
    if use.isEnd { sequences[use.id]?.isEnding = true }
    expect(
      scheduler.sequenceCount <= limits.limit,
      "there are \(scheduler.sequenceCount) sequences, the limit is \(limits.limit)")
  }

  /// Whether the refusal is one of sequences, which has to be right.
  func checkSequenceRefusal(_ refusal: Refusal, of job: SimulatedJob) -> Bool {
    switch refusal.cause {
    case .sequenceMissing: expect(job.sequence == nil, "a request of a sequence was taken for one of none")
    case .sequenceUnknown(let id):
      let known = sequences[id]
      let isIdle = known.map { $0.open.isEmpty && now - $0.lastUse > policy.sequences?.idle ?? 0 } ?? true
      expect(isIdle || known?.isEnding == true, "sequence \(id) goes on, and was refused")
    case .sequenceBusy(let id): expect(sequences[id]?.open.isEmpty == false, "sequence \(id) is not busy")
    case .sequences(let limit): expect(scheduler.sequenceCount == limit, "there is room for sequences")
    default: return false
    }
    return true
  }

  /// Each request of a sequence runs when those before it are answered, and not beside another.
  func checkSequenceOrder(_ job: SimulatedJob, in batch: [SimulatedJob]) {
    guard let use = job.sequence, policy.sequences != nil else { return }
    let mates = batch.filter { $0.sequence?.id == use.id }.count
    expect(mates == 1, "a batch holds \(mates) requests of sequence \(use.id)")
    let isNext = sequences[use.id]?.open.first === job
    expect(isNext, "request \(job.serial) of sequence \(use.id) ran before those before it were answered")
  }

  /// The request was answered.
  mutating func leaveSequence(_ job: SimulatedJob, isSuccess: Bool) {
    guard let use = job.sequence, policy.sequences != nil else { return }
    let isCurrent = sequences[use.id]?.open.first === job
    sequences[use.id]?.open.removeAll { $0 === job }
    let step = scheduler.answered(use, isSuccess: isSuccess, at: now)
    asked += step.turns
    if isCurrent {
      sequences[use.id]?.lastUse = now
      // Those who waited for it are dropped with it.
      let left = sequences[use.id]?.open.filter { !$0.hasLeft } ?? []
      let isOver = left.count == step.dropped.count && sequences[use.id]?.isEnding == true
      if use.isEnd || (use.isStart && !isSuccess) || isOver {
        let isSame = left.map(\.serial) == step.dropped.map(\.job.serial)
        expect(isSame && step.hasEnded, "\(left.count) requests outlive sequence \(use.id)")
        sequences[use.id] = nil
      } else {
        expect(!step.hasEnded, "sequence \(use.id) was ended by nobody")
      }
    } else {
      expect(step.turns == 0 && step.dropped.isEmpty, "a request that was held let others go")
    }
    answer(step.dropped)
  }

  mutating func expireSequences() {
    for id in scheduler.expireSequences(at: now) {
      let known = sequences.removeValue(forKey: id)
      let isIdle = known.map { $0.open.isEmpty && now - $0.lastUse > policy.sequences?.idle ?? 0 }
      expect(isIdle == true, "sequence \(id) was given up though it was not idle")
    }
  }
}

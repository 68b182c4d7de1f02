import Tensors

/// The sequences of one model: what is remembered of each, and which requests wait for the one before them.
///
/// A sequence is `running` from a request's release to its end, and `idle` else; an idle one is forgotten after a
/// while. The table decides and does nothing else: whoever holds it runs what it releases.
struct SequenceTable<Request> {
  /// Sequences at most, and requests that may wait for one before them, of all sequences together.
  struct Limits {
    var sequences = 4096
    var waiting = 4096
    /// Nanoseconds.
    var idle: Int64
  }

  enum Arrival {
    /// To be run now, with what is remembered; nothing for a sequence that starts.
    case runs([Tensor])
    /// Another request of its sequence runs.
    case waits
    case refused(ServingError)
  }

  /// What to do after a request has ended.
  struct Release {
    var request: (Request, SequenceStep)?
    var states: [Tensor] = []
    /// Those that came after the end of their sequence and start no other.
    var refused: [(Request, SequenceStep)] = []
  }

  private struct Sequence {
    var states: [Tensor] = []
    var running: SequenceStep?
    var waiting: [(Request, SequenceStep)] = []
    var idleSince: Int64 = 0
  }

  let limits: Limits
  /// For messages.
  let model: String
  private var sequences: [SequenceID: Sequence] = [:]
  private(set) var waitingCount = 0

  init(limits: Limits, model: String) {
    self.limits = limits
    self.model = model
  }

  var count: Int { sequences.count }

  mutating func arrive(_ request: Request, _ step: SequenceStep, at now: Int64) -> Arrival {
    var sequence = sequences[step.id].flatMap { isForgotten($0, at: now) ? nil : $0 }
    if sequence?.running != nil {
      guard waitingCount < limits.waiting else {
        return .refused(
          ServingError(.queueFull, "\(waitingCount) requests wait for others of their sequences"))
      }
      sequence?.waiting.append((request, step))
      sequences[step.id] = sequence
      waitingCount += 1
      return .waits
    }
    guard step.isStart || sequence != nil else {
      sequences[step.id] = nil
      return .refused(missingStart(step.id))
    }
    if sequence == nil, sequences[step.id] == nil, !hasRoom(at: now) {
      return .refused(
        ServingError(
          .queueFull, "\(sequences.count) sequences are under way; end one, or wait until one idles out"))
    }
    let states = step.isStart ? [] : sequence?.states ?? []
    sequences[step.id] = Sequence(states: states, running: step)
    return .runs(states)
  }

  /// The running request of `id` has ended. `states` is what its model now remembers; nil if it failed, which
  /// leaves what was remembered as it was.
  mutating func finish(_ id: SequenceID, states: [Tensor]?, at now: Int64) -> Release {
    guard var sequence = sequences[id], let ended = sequence.running else { return Release() }
    var release = Release()
    sequence.states = states ?? sequence.states
    sequence.running = nil
    sequence.idleSince = now
    var isOpen = !ended.isEnd
    while let (request, step) = sequence.waiting.first {
      sequence.waiting.removeFirst()
      waitingCount -= 1
      guard isOpen || step.isStart else {
        release.refused.append((request, step))
        continue
      }
      if step.isStart { sequence.states = [] }
      isOpen = true
      sequence.running = step
      release.request = (request, step)
      release.states = sequence.states
      break
    }
    sequences[id] = isOpen ? sequence : nil
    return release
  }

  func missingStart(_ id: SequenceID) -> ServingError {
    ServingError(
      .invalidArgument,
      "inference request for sequence \(id) to model '\(model)' must specify the START flag on the first request of the sequence: it is "
        + "not known here, or was forgotten after it got no request for a while")
  }

  private func isForgotten(_ sequence: Sequence, at now: Int64) -> Bool {
    sequence.running == nil && now - sequence.idleSince > limits.idle
  }

  /// Whether another sequence may begin; forgets those that idled out if there are too many.
  private mutating func hasRoom(at now: Int64) -> Bool {
    if sequences.count < limits.sequences { return true }
    sequences = sequences.filter { !isForgotten($0.value, at: now) }
    return sequences.count < limits.sequences
  }
}

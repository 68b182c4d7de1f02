import Locks
import PluginHost
import Scheduling
import Synchronization
import Telemetry
import Tensors

/// Requests that belong together.
extension ServedModel {
  /// The request with what tells the model where in its sequence it stands.
  func inSequence(
    _ request: InferenceRequest, _ loaded: LoadedModel
  ) throws(ServingError) -> InferenceRequest {
    // One of no sequence is the scheduler's to refuse.
    guard let signature = loaded.sequences, let use = request.sequence else { return request }
    guard !loaded.contract.isBatching || request.rows == 1 else {
      throw ServingError(
        .invalidArgument,
        "inference request to model '\(name)' must specify batch-size 1 due to requirements of sequence batcher: it "
          + "has \(request.rows) rows")
    }
    return request.replaced(
      inputs: request.inputs + (try signature.controlInputs(use)),
      receiver: SequenceReceiver(request.receiver, use, of: self, signature))
  }

  /// The inputs of a batch, those that the server keeps included; nil: out of memory.
  func stack(_ batch: [InferenceRequest]) -> [Tensor]? {
    let loaded = serving.value
    guard let signature = loaded?.sequences else {
      let plugin = loaded?.plugin
      return BatchAssembly.stack(batch.map(\.inputs), loaded?.padding) { byteCount in
        plugin?.inputMemory(byteCount: byteCount) ?? TensorMemory(byteCount: byteCount)
      }
    }
    let inputs = internals.withLock { internals in
      batch.map { request in
        let kept = request.sequence.flatMap { internals.sequenceStates[$0.id] }
        return request.inputs + signature.stateInputs(request.sequence, kept: kept)
      }
    }
    return BatchAssembly.stack(inputs)
  }

  /// A request of a sequence has been answered, with `states` to keep if it was with success.
  func answered(_ use: SequenceUse, states: [Tensor]?) {
    let now = clock.now()
    let (step, expiry) = internals.withLock { internals in
      let isCurrent = internals.scheduler.isCurrent(use)
      let step = internals.scheduler.answered(use, isSuccess: states != nil, at: now)
      waiting.store(internals.scheduler.count, ordering: .relaxed)
      if step.hasEnded {
        internals.sequenceStates[use.id] = nil
      } else if isCurrent, let states {
        internals.sequenceStates[use.id] = states
      }
      guard !internals.watchesSequences, let expiry = internals.scheduler.nextSequenceExpiry else {
        return (step, nil as Int64?)
      }
      internals.watchesSequences = true
      return (step, expiry)
    }
    for _ in 0..<step.turns { pool.enqueue(self) }
    for (request, cause) in step.dropped { drop(request, ServingError(cause), at: now) }
    if let expiry { callExpiry(at: expiry) }
  }

  private func callExpiry(at time: Int64) {
    pool.alarm.call(at: time) { [self] in endIdleSequences() }
  }

  /// Ends the sequences that were idle for too long. On the alarm's thread.
  private func endIdleSequences() {
    let now = clock.now()
    let next: Int64? = internals.withLock { internals in
      for id in internals.scheduler.expireSequences(at: now) { internals.sequenceStates[id] = nil }
      guard let expiry = internals.scheduler.nextSequenceExpiry else {
        internals.watchesSequences = false
        return nil
      }
      // Not for each of many that end one shortly after the other.
      return max(expiry, now + 1_000_000)
    }
    if let next { callExpiry(at: next) }
  }
}

/// Answers a request of a sequence, and lets the next one go.
private final class SequenceReceiver: InferenceReceiver {
  private let receiver: any InferenceReceiver
  private let use: SequenceUse
  private let model: ServedModel
  private let signature: SequenceSignature

  init(
    _ receiver: any InferenceReceiver, _ use: SequenceUse, of model: ServedModel,
    _ signature: SequenceSignature
  ) {
    self.receiver = receiver
    self.use = use
    self.model = model
    self.signature = signature
  }

  func receive(chunk: [Tensor]) -> Bool { receiver.receive(chunk: signature.visible(chunk)) }

  func finish(_ result: Result<[Tensor], ServingError>, timing: InferenceTiming) {
    do throws(ServingError) {
      let outputs = try result.get()
      // Before the answer, after which a client may send the next.
      model.answered(use, states: try signature.states(from: outputs))
      receiver.finish(.success(signature.visible(outputs)), timing: timing)
    } catch {
      model.answered(use, states: nil)
      receiver.finish(.failure(error), timing: timing)
    }
  }
}

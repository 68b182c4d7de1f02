import Locks
import Telemetry
import Tensors

/// The sequences of a model that is loaded: lets the requests of each run one after the other.
final class SequenceStage: Sendable {
  let plan: SequencePlan
  private let table: Lock<SequenceTable<InferenceRequest>>

  /// - Parameter waiting: requests that may wait for others of their sequences.
  init(_ plan: SequencePlan, model: String, waiting: Int) {
    self.plan = plan
    let limits = SequenceTable<InferenceRequest>.Limits(waiting: waiting, idle: plan.settings.idle)
    table = Lock(SequenceTable(limits: limits, model: model))
  }

  func arrive(
    _ request: InferenceRequest, _ step: SequenceStep, at now: Int64
  ) -> SequenceTable<InferenceRequest>.Arrival {
    table.withLock { $0.arrive(request, step, at: now) }
  }

  func missingStart(_ id: SequenceID) -> ServingError { table.withLock { $0.missingStart(id) } }

  func finish(
    _ id: SequenceID, states: [Tensor]?, at now: Int64
  ) -> SequenceTable<InferenceRequest>.Release {
    table.withLock { $0.finish(id, states: states, at: now) }
  }
}

extension ServedModel {
  /// Runs `request` with what its sequence left, or has it wait for the one before it.
  ///
  /// - Returns: whether it was answered here.
  func submit(
    _ request: InferenceRequest, to stage: SequenceStage, _ loaded: LoadedModel
  ) throws(ServingError) -> Bool {
    guard let step = request.sequence else {
      throw ServingError(
        .invalidArgument,
        "inference request to model '\(name)' must specify a non-zero or non-empty correlation ID: the parameter "
          + "sequence_id")
    }
    switch stage.arrive(request, step, at: clock.now()) {
    case .refused(let error): throw error
    case .waits: return false
    case .runs(let states):
      do throws(ServingError) {
        return try run(request, step, states, stage, loaded)
      } catch {
        advance(step.id, states: nil, stage, loaded)
        throw error
      }
    }
  }

  private func run(
    _ request: InferenceRequest, _ step: SequenceStep, _ states: [Tensor], _ stage: SequenceStage,
    _ loaded: LoadedModel
  ) throws(ServingError) -> Bool {
    if request.isCancelled { throw ServingError(.cancelled, "the request was called off while it waited") }
    let made = try stage.plan.inputs(for: step, rows: request.rows, states: states)
    let receiver = SequenceReceiver(request.receiver, step.id, stage, of: self, loaded)
    return try run(
      request.replaced(inputs: request.inputs + made, receiver: receiver), loaded, mayRunHere: false)
  }

  /// A request of `id` has ended: runs the next that waits.
  fileprivate func advance(
    _ id: SequenceID, states: [Tensor]?, _ stage: SequenceStage, _ loaded: LoadedModel
  ) {
    var states = states
    while true {
      let release = stage.finish(id, states: states, at: clock.now())
      for (request, step) in release.refused {
        let error = stage.missingStart(step.id)
        request.receiver.finish(.failure(error), timing: InferenceTiming())
      }
      guard let (request, step) = release.request else { return }
      do throws(ServingError) {
        _ = try run(request, step, release.states, stage, loaded)
        return
      } catch {
        request.receiver.finish(.failure(error), timing: InferenceTiming())
        states = nil
      }
    }
  }
}

/// Keeps what a request leaves for the next of its sequence, and answers it without that.
private final class SequenceReceiver: InferenceReceiver {
  private let receiver: any InferenceReceiver
  private let id: SequenceID
  private let stage: SequenceStage
  private let model: ServedModel
  private let loaded: LoadedModel

  init(
    _ receiver: any InferenceReceiver, _ id: SequenceID, _ stage: SequenceStage, of model: ServedModel,
    _ loaded: LoadedModel
  ) {
    self.receiver = receiver
    self.id = id
    self.stage = stage
    self.model = model
    self.loaded = loaded
  }

  func receive(chunk: [Tensor]) -> Bool { receiver.receive(chunk: stage.plan.split(chunk).shown) }

  func finish(_ result: Result<[Tensor], ServingError>, timing: InferenceTiming) {
    guard case .success(let outputs) = result else {
      model.advance(id, states: nil, stage, loaded)
      return receiver.finish(result, timing: timing)
    }
    let (shown, states) = stage.plan.split(outputs)
    // Whoever is answered may send the next request at once.
    model.advance(id, states: states, stage, loaded)
    receiver.finish(.success(shown), timing: timing)
  }
}

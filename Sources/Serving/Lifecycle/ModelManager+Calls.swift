import Glibc
import Locks
public import PluginHost
import Synchronization
import Telemetry
public import Tensors

/// Models that plugins run.
extension ModelManager: ModelRunner {
  /// How long a call waits for a model that sleeps, in nanoseconds.
  private static let awakening: Int64 = 60_000_000_000

  /// Runs a model on behalf of another's requests, through its queue as any client's request. The calling thread takes
  /// turns of the model while it waits: no call needs a thread that another call has.
  public func run(_ call: ModelCall) throws(PluginError) -> [Tensor] {
    do throws(ServingError) {
      if try calls.admit(call.caller, calling: call.model) { noteCaller(call.caller) }
      return try answer(to: call, of: try awake(call))
    } catch {
      throw PluginError(error)
    }
  }

  private func answer(to call: ModelCall, of model: ServedModel) throws(ServingError) -> [Tensor] {
    let receiver = CallReceiver(pool)
    let request = InferenceRequest(
      id: call.id, inputs: call.inputs, parameters: call.parameters, deadline: call.deadline,
      receiver: receiver)
    var isCancelled = false
    try model.submit(request, mayRunHere: true)
    pool.help(model, until: { receiver.isDone }) {
      guard !isCancelled, call.isCancelled() else { return }
      isCancelled = true
      request.cancel()
    }
    return try receiver.outcome.get()
  }

  /// The model to be called, awake.
  private func awake(_ call: ModelCall) throws(ServingError) -> ServedModel {
    let model = try find(call.model, version: call.version)
    guard model.isAsleep else { return model }
    let outcome = Lock<(isDone: Bool, error: ServingError?)>((false, nil))
    awaken(model.name, version: model.version) { error in outcome.withLock { $0 = (true, error) } }
    let end = clock.now() + Self.awakening
    while !outcome.withLock({ $0.isDone }) {
      guard clock.now() < end, !call.isCancelled() else {
        throw ServingError(.notReady, "model '\(call.model)' sleeps, and was not loaded in time")
      }
      usleep(500)
    }
    if let error = outcome.withLock({ $0.error }) { throw error }
    return try find(call.model, version: call.version)
  }

  /// A model that waits for others is not to do so on an event loop.
  private func noteCaller(_ name: String) {
    for model in versions(of: name) { model.callsOthers.store(true, ordering: .relaxed) }
  }
}

/// Waits for the answer to a call.
private final class CallReceiver: InferenceReceiver {
  private let pool: WorkerPool
  private let ended = Atomic<Bool>(false)
  private let result = Lock<Result<[Tensor], ServingError>?>(nil)

  init(_ pool: WorkerPool) { self.pool = pool }

  var isDone: Bool { ended.load(ordering: .acquiring) }

  /// Precondition: it is done.
  var outcome: Result<[Tensor], ServingError> {
    result.withLock { $0 } ?? .failure(ServingError(.pluginFault, "the call has no answer"))
  }

  func receive(chunk: [Tensor]) -> Bool {
    result.withLock {
      $0 =
        $0 ?? .failure(ServingError(.unsupported, "the model streams its answer, which a call cannot take"))
    }
    return false
  }

  func finish(_ result: Result<[Tensor], ServingError>, timing: InferenceTiming) {
    self.result.withLock { $0 = $0 ?? result }
    ended.store(true, ordering: .releasing)
    pool.wakeHelpers()
  }
}

extension PluginError {
  /// What a plugin is told of the failure of a call.
  init(_ error: ServingError) {
    let status: PluginStatus =
      switch error.code {
      case .unknownModel, .unknownVersion: .notFound
      case .notReady, .queueFull, .shuttingDown: .unavailable
      case .invalidArgument: .invalidArgument
      case .deadlineExceeded, .cancelled: .cancelled
      case .unsupported: .unsupported
      case .outOfMemory: .outOfMemory
      case .pluginFault: .internalFault
      }
    self.init(status: status, message: error.message)
  }
}

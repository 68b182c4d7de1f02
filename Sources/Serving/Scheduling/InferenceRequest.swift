import Locks
public import PluginHost
import Telemetry
public import Tensors

/// Whoever waits for an inference. Called from a worker thread, one call at a time.
public protocol InferenceReceiver: AnyObject, Sendable {
  /// A streamed chunk. False: the client has gone.
  func receive(chunk: [Tensor]) -> Bool
  /// The end, exactly once.
  func finish(_ result: Result<[Tensor], ServingError>, timing: InferenceTiming)
}

/// Nanoseconds that a request spent in each phase, and the batch it ran in.
public struct InferenceTiming: Sendable {
  public var queue: Int64 = 0
  /// When the execution began, by the monotonic clock.
  public var startedAt: Int64 = 0
  public var execute: Int64 = 0
  /// Rows of the whole batch.
  public var batchSize = 1

  public init() {}
}

/// One request for one model: `waiting → running → finished`, or `waiting → finished` when it is
/// refused while it waits.
public final class InferenceRequest: Sendable {
  private struct State {
    var model: ServedModel?
    var running: PluginRequest?
    var parts: [InferenceRequest] = []
    var isCancelled = false
    var queuedAt: Int64 = 0
    var startedAt: Int64 = 0
    var batchSize = 1
    /// Bytes of the inputs of the whole batch, of the one request that reports how long it took.
    var reportedBytes: Int?
  }

  public let id: String
  public let inputs: [Tensor]
  /// A JSON object, passed to the plugin.
  public let parameters: String
  /// Nanoseconds of CLOCK_MONOTONIC; 0 for none.
  public let deadline: Int64
  let receiver: any InferenceReceiver
  private let state = Lock(State())

  public init(
    id: String, inputs: [Tensor], parameters: String = "{}", deadline: Int64 = 0,
    receiver: any InferenceReceiver
  ) {
    self.id = id
    self.inputs = inputs
    self.parameters = parameters
    self.deadline = deadline
    self.receiver = receiver
  }

  /// The client has gone: waiting work is dropped, running work is told.
  public func cancel() {
    let (running, parts) = state.withLock { state in
      state.isCancelled = true
      return (state.running, state.parts)
    }
    running?.cancel()
    for part in parts { part.cancel() }
  }

  var isCancelled: Bool { state.withLock { $0.isCancelled } }

  /// Rows of dimension 0; 1 for a request whose first input is a scalar.
  var rows: Int { inputs.first.flatMap { $0.shape.first } ?? 1 }

  /// Bytes its inputs hold while it waits.
  var byteCount: Int { inputs.reduce(0) { $0 + $1.byteCount + ($1.payload?.byteCount ?? 0) } }

  /// Whether `other` may run in one batch with this one: the same inputs but for dimension 0.
  func canShareBatch(with other: InferenceRequest) -> Bool {
    guard inputs.count == other.inputs.count else { return false }
    return zip(inputs, other.inputs).allSatisfy { mine, its in
      mine.name == its.name && mine.datatype == its.datatype && mine.shape.rank == its.shape.rank
        && mine.shape.dropFirst().elementsEqual(its.shape.dropFirst())
    }
  }

  /// Parts that are answered together in this request's place.
  func split(maximumRows: Int) -> [InferenceRequest] {
    let parts = SplitReceiver.parts(of: self, maximumRows: maximumRows)
    let isCancelled = state.withLock { state in
      state.parts = parts
      return state.isCancelled
    }
    if isCancelled { for part in parts { part.cancel() } }
    return parts
  }

  /// A request that is executed in this one's place, and called off with it.
  func replaced(inputs: [Tensor], receiver: any InferenceReceiver) -> InferenceRequest {
    let other = InferenceRequest(
      id: id, inputs: inputs, parameters: parameters, deadline: deadline, receiver: receiver)
    let isCancelled = state.withLock { state in
      state.parts = [other]
      return state.isCancelled
    }
    if isCancelled { other.cancel() }
    return other
  }

  /// The model is kept while the request is under way.
  func enqueued(for model: ServedModel, at now: Int64) {
    state.withLock {
      $0.model = model
      $0.queuedAt = now
    }
  }

  /// Makes the plugin's view of the request, for a batch of `batchSize` rows.
  /// - Parameter reportedBytes: bytes of the batch's inputs, if this request is to report its duration.
  func begin(rows: Int, batchSize: Int, reportedBytes: Int?, at now: Int64) -> PluginRequest {
    let running = PluginRequest(
      id: id, parameters: parameters, deadline: deadline, rows: rows, receiver: self)
    let isCancelled = state.withLock { state in
      state.running = running
      state.startedAt = now
      state.batchSize = batchSize
      state.reportedBytes = reportedBytes
      return state.isCancelled
    }
    if isCancelled { running.cancel() }
    return running
  }

  /// Ends a request that never ran.
  func refuse(_ error: ServingError, at now: Int64) {
    let queuedAt = state.withLock { state in
      state.model = nil
      return state.queuedAt
    }
    var timing = InferenceTiming()
    timing.queue = now - queuedAt
    receiver.finish(.failure(error), timing: timing)
  }
}

extension InferenceRequest: PluginRequestReceiver {
  public func receive(chunk: [Tensor]) -> Bool { receiver.receive(chunk: chunk) }

  public func finish(status: PluginStatus, message: String, outputs: [Tensor]) {
    let (model, timing, reportedBytes) = state.withLock { state in
      var timing = InferenceTiming()
      timing.queue = state.startedAt - state.queuedAt
      timing.startedAt = state.startedAt
      timing.execute = (state.model?.clock.now() ?? state.startedAt) - state.startedAt
      timing.batchSize = state.batchSize
      let model = state.model
      state.running = nil
      state.model = nil
      return (model, timing, state.reportedBytes)
    }
    // Before the answer is written and sent, which is not the model's time.
    if let reportedBytes { model?.learn(batchBytes: reportedBytes, timing: timing) }
    model?.requestFinished(isSuccess: status == .ok, timing: timing)
    guard status == .ok else {
      receiver.finish(.failure(ServingError(status, message)), timing: timing)
      return
    }
    receiver.finish(.success(outputs), timing: timing)
  }
}

extension ServingError {
  /// What a plugin's status means to a client.
  init(_ status: PluginStatus, _ message: String) {
    let code: Code =
      switch status {
      case .invalidArgument: .invalidArgument
      case .notFound: .invalidArgument
      case .unsupported: .unsupported
      case .outOfMemory: .outOfMemory
      case .cancelled: .cancelled
      case .unavailable: .notReady
      case .ok, .pending, .internalFault: .pluginFault
      }
    self.init(code, message.isEmpty ? "the model's plugin gave no reason (\(status))" : message)
  }
}

import Locks
public import PluginHost
public import Scheduling
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
  /// Until it was released into a batch.
  public var queue: Int64 = 0
  /// In which the batch was put together; 0 for a request that ran alone.
  public var assembly: Int64 = 0
  /// When the execution began, by the monotonic clock.
  public var startedAt: Int64 = 0
  public var execute: Int64 = 0
  /// Rows of the whole batch.
  public var batchSize = 1
  /// Why its batch had the size that it had; nil for a request that ran at once on its event loop, or never.
  public var reason: ReleaseReason?

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
    var timing = InferenceTiming()
    /// Bytes of the inputs of the whole batch, of the one request that reports how long it took.
    var reportedBytes: Int?
    /// Requests among which the time of the execution is shared out.
    var sharedBy = 1
    /// What it has taken of the server's budget.
    var budgetBytes = 0
  }

  public let id: String
  public let inputs: [Tensor]
  /// A JSON object, passed to the plugin.
  public let parameters: String
  /// Nanoseconds of CLOCK_MONOTONIC; 0 for none.
  public let deadline: Int64
  /// 1 is the most important, 0 stands for the model's default.
  public let priority: Int
  /// Whose it is; 0 for nobody's in particular.
  public let client: UInt64
  /// Its place in a sequence, for models that take them.
  public let sequence: SequenceUse?
  /// Bytes its inputs hold while it waits.
  public let byteCount: Int
  /// How it may be filled up to share a batch with those of other shapes; nil: it is not.
  let padding: Padding?
  let receiver: any InferenceReceiver
  private let state = Lock(State())

  public convenience init(
    id: String, inputs: [Tensor], parameters: String = "{}", deadline: Int64 = 0, priority: Int = 0,
    client: UInt64 = 0, sequence: SequenceUse? = nil, receiver: any InferenceReceiver
  ) {
    self.init(
      id: id, inputs: inputs, parameters: parameters, deadline: deadline, priority: priority, client: client,
      sequence: sequence, padding: nil, receiver: receiver)
  }

  private init(
    id: String, inputs: [Tensor], parameters: String, deadline: Int64, priority: Int, client: UInt64,
    sequence: SequenceUse?, padding: Padding?, receiver: any InferenceReceiver
  ) {
    self.id = id
    self.inputs = inputs
    self.parameters = parameters
    self.deadline = deadline
    self.priority = priority
    self.client = client
    self.sequence = sequence
    self.padding = padding
    byteCount = inputs.reduce(0) { $0 + $1.byteCount + ($1.payload?.byteCount ?? 0) }
    self.receiver = receiver
  }

  /// The client has gone: waiting work is dropped, running work is told.
  public func cancel() {
    let (running, parts, model) = state.withLock { state in
      state.isCancelled = true
      return (state.running, state.parts, state.running == nil ? state.model : nil)
    }
    running?.cancel()
    for part in parts { part.cancel() }
    model?.hasCancelledRequests()
  }

  public var isCancelled: Bool { state.withLock { $0.isCancelled } }

  /// Rows of dimension 0; 1 for a request whose first input is a scalar.
  public var rows: Int { inputs.first.flatMap { $0.shape.first } ?? 1 }

  /// Whether `other` may run in one batch with this one: the same inputs but for dimension 0, and for what padding
  /// evens out.
  public func hasShape(of other: InferenceRequest) -> Bool {
    guard inputs.count == other.inputs.count else { return false }
    return zip(inputs, other.inputs).allSatisfy { mine, its in
      mine.name == its.name && mine.datatype == its.datatype && mine.shape.rank == its.shape.rank
        && (mine.shape.dropFirst().elementsEqual(its.shape.dropFirst())
          || padding?.evensOut(mine, its) == true)
    }
  }

  /// Parts that are answered together in this request's place.
  func split(maximumRows: Int) -> [InferenceRequest] {
    let parts = SplitReceiver.parts(of: self, maximumRows: maximumRows)
    stand(in: parts)
    return parts
  }

  /// A request that is executed in this one's place, and called off with it.
  func replaced(
    inputs: [Tensor], receiver: any InferenceReceiver, padding: Padding? = nil
  ) -> InferenceRequest {
    let other = part(inputs: inputs, receiver: receiver, padding: padding)
    stand(in: [other])
    return other
  }

  /// A request that differs from this one in what is given.
  func part(
    inputs: [Tensor], receiver: any InferenceReceiver, padding: Padding? = nil
  ) -> InferenceRequest {
    InferenceRequest(
      id: id, inputs: inputs, parameters: parameters, deadline: deadline, priority: priority, client: client,
      sequence: sequence, padding: padding ?? self.padding, receiver: receiver)
  }

  /// Whoever calls this request off calls off `parts`.
  private func stand(in parts: [InferenceRequest]) {
    let isCancelled = state.withLock { state in
      state.parts = parts
      return state.isCancelled
    }
    if isCancelled { for part in parts { part.cancel() } }
  }

  /// The model is kept while the request is under way.
  func enqueued(for model: ServedModel, at now: Int64, budgetBytes: Int = 0) {
    state.withLock {
      $0.model = model
      $0.queuedAt = now
      $0.budgetBytes = budgetBytes
    }
  }

  /// Makes the plugin's view of the request, for the batch that `batch` describes. Again, if that failed and the
  /// request is executed with fewer others.
  func begin(rows: Int, _ batch: BatchStart) -> PluginRequest {
    let running = PluginRequest(
      id: id, parameters: parameters, deadline: deadline, rows: rows, receiver: self)
    let isCancelled = state.withLock { state in
      if state.running == nil {
        state.timing.startedAt = batch.at
        state.timing.queue = batch.releasedAt - state.queuedAt
        state.timing.assembly = batch.at - batch.releasedAt
        state.timing.reason = batch.reason
      }
      state.timing.batchSize = batch.rows
      state.running = running
      state.reportedBytes = batch.reportedBytes
      state.sharedBy = batch.sharedBy
      return state.isCancelled
    }
    if isCancelled { running.cancel() }
    return running
  }

  /// Ends a request that never ran.
  func refuse(_ error: ServingError, at now: Int64) {
    let (queuedAt, model, budgetBytes) = state.withLock { state in
      defer { state.model = nil }
      return (state.queuedAt, state.model, state.budgetBytes)
    }
    model?.giveBack(budgetBytes: budgetBytes)
    var timing = InferenceTiming()
    timing.queue = now - queuedAt
    receiver.finish(.failure(error), timing: timing)
  }
}

/// What a batch is executed with.
struct BatchStart {
  var rows: Int
  /// Nil for one that was never queued.
  var reason: ReleaseReason?
  /// Bytes of the batch's inputs, for the one request that is to report its duration.
  var reportedBytes: Int?
  /// When it was decided on, and when it had been put together.
  var releasedAt: Int64
  var at: Int64
  /// Requests that are executed one after the other and end together.
  var sharedBy = 1
}

extension InferenceRequest: Schedulable {
  public var shapeHash: Int {
    var hash = UInt64(inputs.count)
    for input in inputs {
      hash = (hash ^ UInt64(bitPattern: Int64(input.shape.rank))) &* 0x9e37_79b9_7f4a_7c15
      for axis in input.shape.indices.dropFirst() {
        let size = padding?.sizeClass(input, axis) ?? input.shape[axis]
        hash = (hash ^ UInt64(bitPattern: Int64(size))) &* 0x9e37_79b9_7f4a_7c15
      }
    }
    return Int(truncatingIfNeeded: hash ^ (hash >> 29))
  }
}

extension InferenceRequest: PluginRequestReceiver {
  public func receive(chunk: [Tensor]) -> Bool { receiver.receive(chunk: chunk) }

  public func finish(status: PluginStatus, message: String, outputs: [Tensor]) {
    let (model, timing, budgetBytes, reportedBytes) = state.withLock { state in
      let start = state.timing.startedAt
      state.timing.execute = ((state.model?.clock.now() ?? start) - start) / Int64(state.sharedBy)
      let model = state.model
      state.running = nil
      state.model = nil
      return (model, state.timing, state.budgetBytes, state.reportedBytes)
    }
    // Before the answer is written and sent, which is not the model's time.
    if let reportedBytes { model?.learn(batchBytes: reportedBytes, timing: timing) }
    if budgetBytes > 0 { model?.giveBack(budgetBytes: budgetBytes) }
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

import Locks
public import PluginHost
import Telemetry
import Tensors

/// One version of a model: its state, its queue, and its executions.
public final class ServedModel: Sendable {
  private struct Internals {
    var state = ModelState.loading
    var loaded: PluginModel?
    var contract: ModelContract?
    var queue: RequestQueue
    /// Turns asked for or running; at most `turnLimit`.
    var turns = 0
    var turnLimit = 1
    /// Requests taken in and not yet answered.
    var inFlight = 0
  }

  public let source: ModelSource
  public var name: String { source.name }
  public var version: Int { source.version }

  let clock: MonotonicClock
  private let pool: WorkerPool
  private let metrics: ModelMetrics
  private let queueLimits: RequestQueue.Limits
  private let internals: Lock<Internals>

  init(
    source: ModelSource, pool: WorkerPool, queueLimits: RequestQueue.Limits, metrics: Metrics,
    clock: MonotonicClock
  ) {
    self.source = source
    self.pool = pool
    self.clock = clock
    self.queueLimits = queueLimits
    self.metrics = ModelMetrics(metrics, name: source.name, version: source.version)
    internals = Lock(Internals(queue: RequestQueue(limits: queueLimits)))
  }

  public var state: ModelState { internals.withLock { $0.state } }

  /// What the model says of itself; nil unless it is ready.
  public var description: ModelDescription? { internals.withLock { $0.contract?.description } }

  /// What kind of model it is, `onnx_onnxv1` for example; empty until it is ready.
  public var platform: String { internals.withLock { $0.contract?.description.platform ?? "" } }

  /// Requests that wait.
  public var queueDepth: Int { internals.withLock { $0.queue.count } }

  // MARK: - Life, on the manager's thread

  func becomeReady(_ model: PluginModel, turnLimit: Int) {
    let contract = ModelContract(
      name: name, description: model.description, configuredMaximum: source.configuration.maximumBatch)
    internals.withLock {
      $0.loaded = model
      $0.contract = contract
      $0.turnLimit = model.description.concurrency == .serial ? 1 : max(turnLimit, 1)
      $0.state = .ready
    }
  }

  func fail(_ reason: String) { internals.withLock { $0.state = .failed(reason: reason) } }

  /// Takes no more requests and refuses those that wait; what runs goes on.
  func beginUnload() {
    let waiting = internals.withLock { internals in
      if internals.state == .ready { internals.state = .unloading }
      return internals.queue.drain()
    }
    let now = clock.now()
    for request in waiting {
      drop(request, ServingError(.notReady, "model '\(name)' version \(version) is unloading"), at: now)
    }
  }

  /// Destroys the model if nothing runs any more; false: ask again later.
  func finishUnload() -> Bool {
    let (isDone, last): (Bool, PluginModel?) = internals.withLock { internals in
      guard internals.turns == 0 && internals.inFlight == 0 else { return (false, nil) }
      let last = internals.loaded
      internals.loaded = nil
      internals.contract = nil
      if internals.state == .unloading { internals.state = .unloaded }
      return (true, last)
    }
    return withExtendedLifetime(last) { isDone }
  }

  // MARK: - Requests

  /// Checks names, datatypes, shapes and batch of `request` and queues it; its receiver is then
  /// called exactly once. Throws, and never calls the receiver, if the request is refused.
  public func submit(_ request: InferenceRequest) throws(ServingError) {
    let contract = try readyContract()
    try contract.check(request.inputs)
    guard contract.isBatching && request.rows > contract.maximumBatch else {
      try enqueue([request])
      return
    }
    let parts = (request.rows - 1) / contract.maximumBatch + 1
    guard parts <= queueLimits.requests else {
      throw ServingError(
        .invalidArgument,
        "\(request.rows) rows are \(parts) batches of \(contract.maximumBatch) for '\(name)'; the limit is "
          + "\(queueLimits.requests): send fewer rows at once")
    }
    try enqueue(request.split(maximumRows: contract.maximumBatch))
  }

  private func readyContract() throws(ServingError) -> ModelContract {
    let (state, contract) = internals.withLock { ($0.state, $0.contract) }
    guard state == .ready, let contract else { throw notReady(state) }
    return contract
  }

  private func notReady(_ state: ModelState) -> ServingError {
    var message =
      "Request for unknown model: '\(name)' version \(version) is not at ready state: it is \(state.name)"
    if case .failed(let reason) = state { message += ": \(reason)" }
    return ServingError(.notReady, message)
  }

  private func enqueue(_ requests: [InferenceRequest]) throws(ServingError) {
    let now = clock.now()
    for request in requests { request.enqueued(for: self, at: now) }
    let outcome: Result<Int, ServingError> = internals.withLock { internals in
      guard internals.state == .ready else { return .failure(notReady(internals.state)) }
      do throws(ServingError) { try internals.queue.admit(requests) } catch { return .failure(error) }
      internals.inFlight += requests.count
      let turns = min(internals.turnLimit - internals.turns, requests.count)
      internals.turns += max(turns, 0)
      return .success(max(turns, 0))
    }
    switch outcome {
    case .success(let turns): for _ in 0..<turns { pool.enqueue(self) }
    case .failure(let error):
      metrics.refused.add()
      throw error
    }
  }

  // MARK: - Turns, on a worker

  /// Executes the next batch, and asks for another turn while requests wait.
  func runTurn() {
    executeNextBatch()
    let again = internals.withLock { internals in
      if !internals.queue.isEmpty { return true }
      internals.turns -= 1
      return false
    }
    if again { pool.enqueue(self) }
  }

  private func executeNextBatch() {
    let now = clock.now()
    let (turn, model) = internals.withLock { internals in
      let maximum = internals.contract.map { $0.isBatching ? $0.maximumBatch : nil } ?? nil
      return (internals.queue.next(maximumRows: maximum, at: now), internals.loaded)
    }
    for (request, error) in turn.dropped { drop(request, error, at: now) }
    guard !turn.batch.isEmpty else { return }
    guard let model else {
      for request in turn.batch { drop(request, notReady(.unloaded), at: now) }
      return
    }
    execute(turn.batch, on: model, at: now)
  }

  private func execute(_ batch: [InferenceRequest], on model: PluginModel, at now: Int64) {
    guard let inputs = BatchAssembly.stack(batch) else {
      for request in batch {
        drop(request, ServingError(.outOfMemory, "no memory to put the batch together"), at: now)
      }
      return
    }
    let rows = model.description.maximumBatch > 1 ? batch.reduce(0) { $0 + $1.rows } : 1
    let requests = batch.map { request in
      request.begin(rows: model.description.maximumBatch > 1 ? request.rows : 1, batchSize: rows, at: now)
    }
    metrics.executions.add()
    metrics.rows.add(UInt64(rows))
    metrics.batchSize.observe(Double(rows))
    model.execute(inputs: inputs, requests: requests)
  }

  private func drop(_ request: InferenceRequest, _ error: ServingError, at now: Int64) {
    internals.withLock { $0.inFlight -= 1 }
    (error.code == .cancelled ? metrics.cancelled : metrics.refused).add()
    request.refuse(error, at: now)
  }

  /// A request that ran has its answer.
  func requestFinished(isSuccess: Bool, timing: InferenceTiming) {
    internals.withLock { $0.inFlight -= 1 }
    (isSuccess ? metrics.succeeded : metrics.failed).add()
    metrics.queueDuration.observe(Double(timing.queue) * 1e-9)
    metrics.executeDuration.observe(Double(timing.execute) * 1e-9)
  }
}

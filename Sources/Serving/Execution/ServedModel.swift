import Locks
public import PluginHost
import Scheduling
import Synchronization
import Telemetry
public import Tensors

/// One version of a model: its state, its queue, and its executions.
public final class ServedModel: Sendable {
  struct Internals {
    var state = ModelState.loading
    var scheduler = Scheduler<InferenceRequest>(policy: SchedulingPolicy())
    var statistics = BatchStatistics()
    /// What is kept of each sequence from one request to the next.
    var sequenceStates: [SequenceID: [Tensor]] = [:]
    /// Whether the alarm is set to end idle sequences.
    var watchesSequences = false
  }

  public let source: ModelSource
  public var name: String { source.name }
  public var version: Int { source.version }

  let clock: MonotonicClock
  let pool: WorkerPool
  let metrics: ModelMetrics
  let limits: ServingLimits
  let internals: Lock<Internals>
  /// Requests taken in and not yet answered.
  let gate = RequestGate()
  let serving = OnceReference<LoadedModel>()
  let times: ExecutionTimes
  /// Requests in the queue, to look without the lock.
  let waiting = Atomic<Int>(0)
  /// What the queued requests have taken of the server's budget.
  let budgetBytes = Atomic<Int>(0)
  /// Whether a request that waits was called off since the last look.
  let hasCancelled = Atomic<Bool>(false)
  /// Whether the alarm is set to look at what waits.
  let isWatched = Atomic<Bool>(false)
  /// Whether its plugin has run other models, for which it waits.
  let callsOthers = Atomic<Bool>(false)
  let lastExecution = Atomic<Int64>(0)
  /// Turns that the pool has given; the pool's own.
  let runningTurns = TurnCount()
  let estimate: Atomic<Int>
  private let loading = Atomic<Int64>(0)
  let used = Atomic<Int64>(0)
  let answersSeen = Atomic<UInt64>(0)

  init(
    source: ModelSource, pool: WorkerPool, limits: ServingLimits, metrics: Metrics, clock: MonotonicClock
  ) {
    self.source = source
    self.pool = pool
    self.clock = clock
    self.limits = limits
    estimate = Atomic(source.byteCount)
    self.metrics = ModelMetrics(metrics, name: source.name, version: source.version)
    times = ExecutionTimes(limit: limits.inlineNanoseconds)
    internals = Lock(Internals())
  }

  public var state: ModelState { internals.withLock { $0.state } }

  /// Whether requests are taken. Takes no lock.
  public var isReady: Bool { gate.isOpen }

  /// What the model says of itself; nil unless it is ready.
  public var description: ModelDescription? { gate.isOpen ? serving.value?.contract.description : nil }

  /// What kind of model it is, `onnx_onnxv1` for example; empty until it is ready.
  public var platform: String {
    guard let description else { return "" }
    return source.configuration.platform ?? description.platform
  }

  /// Nanoseconds that loading it took, the warm-up included; 0 until it is loaded.
  var loadTime: Int64 {
    get { loading.load(ordering: .relaxed) }
    set { loading.store(newValue, ordering: .relaxed) }
  }

  /// Requests that wait.
  public var queueDepth: Int { waiting.load(ordering: .relaxed) }

  /// Whether the model runs in a process of its own.
  public var sharesMemory: Bool { isIsolated }

  /// Memory that the model's worker reads too, for inputs; nil: it has none, or none is left.
  public func sharedMemory(byteCount: Int) -> TensorMemory? {
    guard let loaded = serving.value, loaded.isIsolated, gate.enter() else { return nil }
    defer { gate.leave() }
    return loaded.plugin?.sharedMemory(byteCount: byteCount)
  }

  // MARK: - Requests

  /// Checks names, datatypes, shapes and batch of `request` and queues it; its receiver is then
  /// called exactly once. Throws, and never calls the receiver, if the request is refused.
  ///
  /// - Parameter mayRunHere: whether the request may be executed before this returns, on the caller's thread. It
  ///   is if nothing waits for the model and it is known to be that quick.
  /// - Returns: whether it was answered here.
  @discardableResult
  public func submit(_ request: InferenceRequest, mayRunHere: Bool = false) throws(ServingError) -> Bool {
    guard gate.isOpen, let loaded = serving.value else { throw notReady(state) }
    try loaded.contract.check(request.inputs)
    if let cache = loaded.cache { return try submit(request, to: cache, loaded) }
    return try run(request, loaded, mayRunHere: mayRunHere)
  }

  /// Executes or queues a request that was checked.
  func run(
    _ request: InferenceRequest, _ loaded: LoadedModel, mayRunHere: Bool
  ) throws(ServingError) -> Bool {
    var request = try inSequence(try reshaped(request, loaded), loaded)
    if let padding = loaded.padding {
      request = request.replaced(inputs: request.inputs, receiver: request.receiver, padding: padding)
    }
    let contract = loaded.contract
    guard contract.isBatching && request.rows > contract.maximumBatch else {
      if mayRunHere && runHere(request, loaded) { return true }
      try enqueue([request])
      return false
    }
    let parts = (request.rows - 1) / contract.maximumBatch + 1
    guard parts <= limits.queuedRequests else {
      throw ServingError(
        .invalidArgument,
        "\(request.rows) rows are \(parts) batches of \(contract.maximumBatch) for '\(name)'; the limit is "
          + "\(limits.queuedRequests): send fewer rows at once")
    }
    try enqueue(request.split(maximumRows: contract.maximumBatch))
    return false
  }

  /// The request as the model sees it.
  private func reshaped(
    _ request: InferenceRequest, _ loaded: LoadedModel
  ) throws(ServingError) -> InferenceRequest {
    guard let signature = loaded.signature else { return request }
    var inputs = request.inputs
    for (index, input) in inputs.enumerated() {
      guard let reshape = signature.inputReshapes[input.name] else { continue }
      guard let inward = reshape.inward(input) else {
        throw ServingError(
          .invalidArgument,
          "input '\(input.name)' for model '\(name)' is \(input.shape), which does not become the model's "
            + "\(reshape.inner)", tensor: input.name)
      }
      inputs[index] = inward
    }
    return request.replaced(
      inputs: inputs, receiver: ReshapingReceiver(request.receiver, signature.outputReshapes))
  }

  private func notReady(_ state: ModelState) -> ServingError {
    var message =
      "Request for unknown model: '\(name)' version \(version) is not at ready state: it is \(state.name)"
    if case .failed(let reason) = state { message += ": \(reason)" }
    return ServingError(.notReady, message)
  }

  private func enqueue(_ requests: [InferenceRequest]) throws(ServingError) {
    guard gate.enter(requests.count) else { throw notReady(state) }
    do throws(ServingError) {
      try takeBudget(requests)
    } catch {
      gate.leave(requests.count)
      metrics.refused(for: error.code)
      throw error
    }
    let now = clock.now()
    for request in requests { request.enqueued(for: self, at: now, budgetBytes: request.byteCount) }
    let outcome: Result<Int, Refusal> = internals.withLock { internals in
      defer { waiting.store(internals.scheduler.count, ordering: .relaxed) }
      do throws(Refusal) {
        return .success(try internals.scheduler.arrive(requests, at: now))
      } catch {
        return .failure(error)
      }
    }
    switch outcome {
    case .success(let turns):
      for _ in 0..<turns { pool.enqueue(self) }
      watch(at: now)
    case .failure(let refusal):
      for request in requests { giveBack(budgetBytes: request.byteCount) }
      gate.leave(requests.count)
      let error = ServingError(refusal)
      metrics.refused(for: error.code)
      throw error
    }
  }

  private func takeBudget(_ requests: [InferenceRequest]) throws(ServingError) {
    let bytes = requests.reduce(0) { $0 + $1.byteCount }
    guard limits.budget.take(bytes, held: budgetBytes.load(ordering: .relaxed)) else {
      var error = ServingError(
        .queueFull,
        "the requests of all models hold \(limits.budget.bytes) bytes, the limit is \(limits.budget.limit), and "
          + "those of '\(name)' have their share: try again later")
      let now = clock.now()
      error.retryAfter = internals.withLock { $0.scheduler.predictedWait(at: now) }
      throw error
    }
    budgetBytes.wrappingAdd(bytes, ordering: .relaxed)
  }

  /// A queued request has been answered.
  func giveBack(budgetBytes bytes: Int) {
    limits.budget.give(back: bytes)
    budgetBytes.wrappingSubtract(bytes, ordering: .relaxed)
  }

  func drop(_ request: InferenceRequest, _ error: ServingError, at now: Int64) {
    gate.leave()
    metrics.refused(for: error.code)
    request.refuse(error, at: now)
  }

  // MARK: - Reports

  /// How the model puts batches together; nil unless it is ready.
  public var batching: BatchingState? {
    guard isReady else { return nil }
    let now = clock.now()
    return internals.withLock {
      BatchingState(
        policy: $0.scheduler.policy, history: $0.scheduler.history.records, waiting: $0.scheduler.count,
        predictedWait: $0.scheduler.predictedWait(at: now))
    }
  }

  /// What became of the requests so far.
  public var statistics: ModelStatistics {
    let sizes = internals.withLock { $0.statistics.sizes }
    return metrics.statistics(queued: sizes, lastExecution: lastExecution.load(ordering: .relaxed))
  }
}

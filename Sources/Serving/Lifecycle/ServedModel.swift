import Locks
public import PluginHost
import Synchronization
import Telemetry
import Tensors

/// One version of a model: its state, its queue, and its executions.
public final class ServedModel: Sendable {
  private struct Internals {
    var state = ModelState.loading
    var queue: RequestQueue
    /// Turns asked for or running; at most `turnLimit`.
    var turns = 0
    var turnLimit = 1
  }

  public let source: ModelSource
  public var name: String { source.name }
  public var version: Int { source.version }

  let clock: MonotonicClock
  private let pool: WorkerPool
  private let metrics: ModelMetrics
  private let limits: ServingLimits
  private let internals: Lock<Internals>
  /// Requests taken in and not yet answered.
  private let gate = RequestGate()
  private let serving = OnceReference<LoadedModel>()
  private let times: ExecutionTimes
  private let estimate: Atomic<Int>
  private let used = Atomic<Int64>(0)
  private let answersSeen = Atomic<UInt64>(0)
  /// Requests in the queue, to look without the lock.
  private let waiting = Atomic<Int>(0)

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
    internals = Lock(Internals(queue: RequestQueue(limits: limits.queue)))
  }

  public var state: ModelState { internals.withLock { $0.state } }

  /// Whether requests are taken. Takes no lock.
  public var isReady: Bool { gate.isOpen }

  /// What the model says of itself; nil unless it is ready.
  public var description: ModelDescription? { gate.isOpen ? serving.value?.contract.description : nil }

  /// What kind of model it is, `onnx_onnxv1` for example; empty until it is ready.
  public var platform: String { description?.platform ?? "" }

  /// Requests that wait.
  public var queueDepth: Int { waiting.load(ordering: .relaxed) }

  // MARK: - Life, on the manager's thread

  /// - Parameter turnLimit: executions that may run at once, unless the model allows one only.
  func becomeReady(_ model: PluginModel, _ signature: ConfiguredSignature, turnLimit: Int) {
    let contract = ModelContract(
      name: name, description: signature.description,
      configuredMaximum: source.configuration.maximumBatch)
    let isSerial = model.description.concurrency == .serial
    let countsTurns = isSerial || source.configuration.instances != nil
    serving.set(
      LoadedModel(
        model, contract: contract, countsTurns: countsTurns, signature: signature.reshapes ? signature : nil))
    byteEstimate = max(model.description.memoryEstimate, source.byteCount)
    noteUse(at: clock.now())
    used.store(clock.now(), ordering: .relaxed)
    internals.withLock {
      $0.turnLimit = isSerial ? 1 : max(turnLimit, 1)
      $0.state = .ready
      gate.setOpen(true)
    }
  }

  func fail(_ reason: String) { internals.withLock { $0.state = .failed(reason: reason) } }

  /// The version is known and not loaded; who asks for it has it loaded.
  func sleep() { internals.withLock { $0.state = .unloaded } }

  /// Whether the model would have to be loaded before it serves.
  public var isAsleep: Bool { serving.value == nil && state == .unloaded }

  /// Whether requests are taken, or would be after it was loaded.
  var serves: Bool { isReady || isAsleep }

  /// Bytes of memory that the model is taken to need.
  var byteEstimate: Int {
    get { estimate.load(ordering: .relaxed) }
    set { estimate.store(newValue, ordering: .relaxed) }
  }

  /// Nanoseconds when somebody last noted that it had answered since the time before.
  var lastUse: Int64 { used.load(ordering: .relaxed) }

  /// Notes whether requests were answered since the last call. On the manager's thread.
  func noteUse(at now: Int64) {
    let count = metrics.succeeded.value &+ metrics.failed.value
    if answersSeen.exchange(count, ordering: .relaxed) != count { used.store(now, ordering: .relaxed) }
  }

  /// Takes no more requests; what runs goes on, and so does what waits unless it is refused.
  func beginUnload(refusesWaiting: Bool) {
    gate.setOpen(false)
    let dropped = internals.withLock { internals in
      if internals.state == .ready { internals.state = .unloading }
      return refusesWaiting ? drain(&internals) : []
    }
    let now = clock.now()
    for request in dropped {
      drop(request, ServingError(.notReady, "model '\(name)' version \(version) is unloading"), at: now)
    }
  }

  private func drain(_ internals: inout Internals) -> [InferenceRequest] {
    waiting.store(0, ordering: .relaxed)
    return internals.queue.drain()
  }

  /// Destroys the model if nothing runs any more; false: ask again later.
  func finishUnload() -> Bool {
    let isDone = internals.withLock { internals in
      guard internals.turns == 0, !gate.isOpen, gate.count == 0 else { return false }
      if internals.state == .unloading { internals.state = .unloaded }
      return true
    }
    if isDone { serving.value?.release() }
    return isDone
  }

  // MARK: - Requests

  /// Checks names, datatypes, shapes and batch of `request` and queues it; its receiver is then
  /// called exactly once. Throws, and never calls the receiver, if the request is refused.
  ///
  /// - Parameter mayRunHere: whether the request may be executed before this returns, on the caller's thread. It
  ///   is if nothing waits for the model and it is known to be that quick.
  /// - Returns: whether it was executed here.
  @discardableResult
  public func submit(_ request: InferenceRequest, mayRunHere: Bool = false) throws(ServingError) -> Bool {
    guard gate.isOpen, let loaded = serving.value else { throw notReady(state) }
    let contract = loaded.contract
    try contract.check(request.inputs)
    let request = try reshaped(request, loaded)
    guard contract.isBatching && request.rows > contract.maximumBatch else {
      if mayRunHere && runHere(request, loaded) { return true }
      try enqueue([request])
      return false
    }
    let parts = (request.rows - 1) / contract.maximumBatch + 1
    guard parts <= limits.queue.requests else {
      throw ServingError(
        .invalidArgument,
        "\(request.rows) rows are \(parts) batches of \(contract.maximumBatch) for '\(name)'; the limit is "
          + "\(limits.queue.requests): send fewer rows at once")
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
    let now = clock.now()
    for request in requests { request.enqueued(for: self, at: now) }
    let outcome: Result<Int, ServingError> = internals.withLock { internals in
      do throws(ServingError) { try internals.queue.admit(requests) } catch { return .failure(error) }
      waiting.store(internals.queue.count, ordering: .relaxed)
      let turns = max(min(internals.turnLimit - internals.turns, requests.count), 0)
      internals.turns += turns
      return .success(turns)
    }
    switch outcome {
    case .success(let turns): for _ in 0..<turns { pool.enqueue(self) }
    case .failure(let error):
      gate.leave(requests.count)
      metrics.refused.add()
      throw error
    }
  }

  // MARK: - Execution on the caller's thread

  /// Executes `request` before it returns; false, and nothing done, if it has to be queued.
  private func runHere(_ request: InferenceRequest, _ loaded: LoadedModel) -> Bool {
    // Once for the request, which leaves when it is answered, and once for this call, which goes on after.
    guard times.isShort(byteCount: request.byteCount), waiting.load(ordering: .relaxed) == 0, gate.enter(2)
    else { return false }
    guard !loaded.countsTurns || takeTurn() else {
      gate.leave(2)
      return false
    }
    defer { gate.leave() }
    let now = clock.now()
    request.enqueued(for: self, at: now)
    if let plugin = loaded.plugin { execute([request], on: plugin, at: now) }
    if loaded.countsTurns { endTurn() }
    return true
  }

  /// Takes one of the executions that may run at once; false if all run, or requests wait for one.
  private func takeTurn() -> Bool {
    internals.withLock { internals in
      guard internals.turns < internals.turnLimit, internals.queue.isEmpty else { return false }
      internals.turns += 1
      return true
    }
  }

  /// Gives the turn back, or to a worker if requests wait.
  private func endTurn() {
    let again = internals.withLock { internals in
      if !internals.queue.isEmpty { return true }
      internals.turns -= 1
      return false
    }
    if again { pool.enqueue(self) }
  }

  // MARK: - Turns, on a worker

  /// Executes the next batch, and asks for another turn while requests wait.
  func runTurn() {
    executeNextBatch()
    endTurn()
  }

  private func executeNextBatch() {
    let now = clock.now()
    guard let loaded = serving.value, let plugin = loaded.plugin else { return }
    let contract = loaded.contract
    let turn = internals.withLock { internals in
      let maximum = contract.isBatching ? contract.maximumBatch : nil
      defer { waiting.store(internals.queue.count, ordering: .relaxed) }
      return internals.queue.next(maximumRows: maximum, at: now)
    }
    for (request, error) in turn.dropped { drop(request, error, at: now) }
    guard !turn.batch.isEmpty else { return }
    execute(turn.batch, on: plugin, at: now)
  }

  private func execute(_ batch: [InferenceRequest], on model: PluginModel, at now: Int64) {
    guard let inputs = BatchAssembly.stack(batch) else {
      for request in batch {
        drop(request, ServingError(.outOfMemory, "no memory to put the batch together"), at: now)
      }
      return
    }
    let rows = model.description.maximumBatch > 1 ? batch.reduce(0) { $0 + $1.rows } : 1
    let bytes = batch.reduce(0) { $0 + $1.byteCount }
    let requests = batch.enumerated().map { position, request in
      request.begin(
        rows: model.description.maximumBatch > 1 ? request.rows : 1, batchSize: rows,
        reportedBytes: position == 0 ? bytes : nil, at: now)
    }
    metrics.executions.add()
    metrics.rows.add(UInt64(rows))
    metrics.batchSize.observe(Double(rows))
    model.execute(inputs: inputs, requests: requests)
  }

  private func drop(_ request: InferenceRequest, _ error: ServingError, at now: Int64) {
    gate.leave()
    (error.code == .cancelled ? metrics.cancelled : metrics.refused).add()
    request.refuse(error, at: now)
  }

  /// Takes in how long an execution over so many bytes of inputs took.
  func learn(batchBytes: Int, timing: InferenceTiming) {
    times.learn(byteCount: batchBytes, from: timing.startedAt, to: timing.startedAt + timing.execute)
  }

  /// A request that ran has its answer.
  func requestFinished(isSuccess: Bool, timing: InferenceTiming) {
    gate.leave()
    (isSuccess ? metrics.succeeded : metrics.failed).add()
    metrics.queueDuration.observe(Double(timing.queue) * 1e-9)
    metrics.executeDuration.observe(Double(timing.execute) * 1e-9)
  }
}

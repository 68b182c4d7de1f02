import Locks
import PluginHost
import Scheduling
import Synchronization
import Telemetry

/// From loading to the end, on the manager's thread.
extension ServedModel {
  /// - Parameter turnLimit: executions that may run at once, unless the model allows one only.
  func becomeReady(_ model: PluginModel, _ signature: ConfiguredSignature, turnLimit: Int) {
    let contract = ModelContract(
      name: name, description: signature.description,
      configuredMaximum: source.configuration.maximumBatch)
    let isSerial = model.description.concurrency == .serial
    var policy = limits.policy(
      of: source.configuration, maximumRows: contract.isBatching ? contract.maximumBatch : nil,
      turnLimit: isSerial ? 1 : max(turnLimit, 1))
    if model.takesTrains, policy.sequences == nil {
      policy.trainLimit = ServingLimits.trainLimit
      policy.trainTime = ServingLimits.trainTime
    }
    // An answer of a sequence depends on what was asked before.
    let cacheBytes = policy.sequences == nil ? source.configuration.cacheBytes : nil
    serving.set(
      LoadedModel(
        model, contract: contract,
        countsTurns: isSerial || source.configuration.instances != nil || source.configuration.cores != nil,
        mayRunDirectly: policy.linger == 0 && policy.sequences == nil && !model.isIsolated,
        cache: cacheBytes.map { ResponseCache(byteLimit: $0) },
        signature: signature.reshapes ? signature : nil, sequences: signature.sequences))
    // Those threads wait for another process: whoever else has work must not wait with them.
    if model.isIsolated { pool.grow(by: policy.turnLimit) }
    byteEstimate = max(model.description.memoryEstimate, source.byteCount)
    noteUse(at: clock.now())
    used.store(clock.now(), ordering: .relaxed)
    internals.withLock {
      $0.scheduler = Scheduler(policy: policy)
      $0.state = .ready
      gate.setOpen(true)
    }
  }

  func fail(_ reason: String) { internals.withLock { $0.state = .failed(reason: reason) } }

  /// The version is known and not loaded; who asks for it has it loaded.
  func sleep() { internals.withLock { $0.state = .unloaded } }

  /// Whether the model would have to be loaded before it serves.
  public var isAsleep: Bool { serving.value == nil && state == .unloaded }

  /// Whether executions wait for a process of the model's own.
  var isIsolated: Bool { serving.value?.isIsolated ?? false }

  /// How the model's worker does; nil if there is none.
  var worker: WorkerStatus? { gate.isOpen ? serving.value?.worker : nil }

  /// Whether requests are taken, or would be after it was loaded.
  var serves: Bool { isReady || isAsleep }

  /// Bytes of memory that the model is taken to need.
  var byteEstimate: Int {
    get { estimate.load(ordering: .relaxed) }
    set { estimate.store(newValue, ordering: .relaxed) }
  }

  /// Nanoseconds when somebody last noted that it had answered since the time before.
  var lastUse: Int64 { used.load(ordering: .relaxed) }

  /// Notes whether requests were answered since the last call.
  func noteUse(at now: Int64) {
    let count = metrics.succeeded.value &+ metrics.failed.value
    if answersSeen.exchange(count, ordering: .relaxed) != count { used.store(now, ordering: .relaxed) }
  }

  /// Takes no more requests; what runs goes on, and so does what waits unless it is refused.
  func beginUnload(refusesWaiting: Bool) {
    gate.setOpen(false)
    let dropped = internals.withLock { internals in
      if internals.state == .ready { internals.state = .unloading }
      guard refusesWaiting else { return [] as [InferenceRequest] }
      waiting.store(0, ordering: .relaxed)
      internals.sequenceStates = [:]
      return internals.scheduler.drain()
    }
    let now = clock.now()
    for request in dropped {
      drop(request, ServingError(.notReady, "model '\(name)' version \(version) is unloading"), at: now)
    }
  }

  /// Destroys the model if nothing runs any more; false: ask again later.
  func finishUnload() -> Bool {
    let isDone = internals.withLock { internals in
      guard internals.scheduler.turns == 0, !gate.isOpen, gate.count == 0 else { return false }
      if internals.state == .unloading { internals.state = .unloaded }
      return true
    }
    if isDone, let loaded = serving.value, let plugin = loaded.plugin {
      if plugin.isIsolated { pool.shrink(by: internals.withLock { $0.scheduler.policy.turnLimit }) }
      loaded.release()
    }
    return isDone
  }
}

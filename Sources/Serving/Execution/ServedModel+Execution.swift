import Locks
import PluginHost
import Scheduling
import Synchronization
import Telemetry
import Tensors

extension ServedModel {
  // MARK: - On the caller's thread

  /// Executes `request` before it returns; false, and nothing done, if it has to be queued.
  func runHere(_ request: InferenceRequest, _ loaded: LoadedModel) -> Bool {
    // Once for the request, which leaves when it is answered, and once for this call, which goes on after.
    guard times.isShort(byteCount: request.byteCount), waiting.load(ordering: .relaxed) == 0,
      loaded.mayRunDirectly, !callsOthers.load(ordering: .relaxed), gate.enter(2)
    else { return false }
    guard !loaded.countsTurns || internals.withLock({ $0.scheduler.beginDirect() }) else {
      gate.leave(2)
      return false
    }
    defer { gate.leave() }
    let now = clock.now()
    request.enqueued(for: self, at: now)
    if let plugin = loaded.plugin {
      let rows = plugin.description.maximumBatch > 1 ? request.rows : 1
      count(rows: rows)
      noteExecution(at: now)
      let start = BatchStart(rows: rows, reportedBytes: request.byteCount, releasedAt: now, at: now)
      plugin.execute(inputs: request.inputs, requests: [request.begin(rows: rows, start)])
    }
    if loaded.countsTurns, internals.withLock({ $0.scheduler.endDirect() }) { pool.enqueue(self) }
    return true
  }

  /// Remembers the time to the millisecond: all loops share the word, and rarely have to write it so.
  private func noteExecution(at now: Int64) {
    guard now - lastExecution.load(ordering: .relaxed) > 1_000_000 else { return }
    lastExecution.store(now, ordering: .relaxed)
  }

  private func count(rows: Int) {
    metrics.executions.add()
    metrics.rows.add(UInt64(rows))
    metrics.batchSize.observe(Double(rows))
  }

  // MARK: - On a worker

  /// Executes the next batch, and asks for another turn while requests wait.
  func runTurn() {
    let now = clock.now()
    let turn = internals.withLock { internals in
      defer { waiting.store(internals.scheduler.count, ordering: .relaxed) }
      return internals.scheduler.turn(at: now)
    }
    for (request, cause) in turn.dropped { drop(request, ServingError(cause), at: now) }
    switch turn.action {
    case .rest: return
    case .wait(let end): callTurn(at: end)
    case .execute(let ticket, let reason):
      execute(turn.batch, reason, ticket: ticket, at: now)
    }
  }

  private func execute(_ batch: [InferenceRequest], _ reason: ReleaseReason, ticket: Int, at now: Int64) {
    var isWhole = false
    var rows = 1
    var executions = 1
    var started = now
    if let plugin = serving.value?.plugin {
      let stacks = plugin.description.maximumBatch > 1
      if batch.count > 1 && !stacks {
        executions = batch.count
        isWhole = runTrain(
          batch, on: plugin,
          BatchStart(rows: 1, reason: reason, releasedAt: now, at: now, sharedBy: batch.count))
      } else {
        metrics.released(reason)
        rows = stacks ? batch.reduce(0) { $0 + $1.rows } : 1
        let inputs = stack(batch)
        if batch.count > 1 { started = clock.now() }
        let start = BatchStart(rows: rows, reason: reason, releasedAt: now, at: started)
        isWhole = run(batch, inputs, on: plugin, start, stacks: stacks)
      }
    } else {
      for request in batch { drop(request, ServingError(.notReady, "model '\(name)' is gone"), at: now) }
    }
    let end = clock.now()
    noteExecution(at: end)
    let takesTrains = serving.value?.plugin?.takesTrains ?? false
    let again = internals.withLock { internals in
      if !takesTrains, internals.scheduler.policy.trainLimit > 1 { internals.scheduler.endTrains() }
      if isWhole {
        internals.statistics.add(
          rows: rows, executions: executions, assembly: started - now, execute: end - started)
      }
      return internals.scheduler.finished(ticket, learns: isWhole, at: end)
    }
    if again { pool.enqueue(self) }
  }

  /// Executes requests one after the other that a worker is told of at once; false: it did not answer.
  private func runTrain(
    _ train: [InferenceRequest], on plugin: PluginModel, _ start: BatchStart
  ) -> Bool {
    for _ in train {
      count(rows: 1)
      if let reason = start.reason { metrics.released(reason) }
    }
    return plugin.execute(
      train: train.map { PluginBatch(inputs: $0.inputs, requests: [$0.begin(rows: 1, start)]) })
  }

  /// Executes a batch; if that fails as a whole and may be tried again, its halves, until what is at fault is
  /// alone and fails alone.
  ///
  /// - Returns: whether it ran at once.
  private func run(
    _ batch: [InferenceRequest], _ inputs: [Tensor]?, on plugin: PluginModel, _ start: BatchStart,
    stacks: Bool
  ) -> Bool {
    var bisection = Bisection(batch)
    var inputs = inputs
    var executions = 0
    while let part = bisection.next() {
      guard let stacked = inputs.take() ?? stack(part) else {
        let error = ServingError(.outOfMemory, "no memory to put the batch together")
        for request in part { drop(request, error, at: start.at) }
        continue
      }
      executions += 1
      if executions == 2 { metrics.retried.add() }
      var partStart = start
      partStart.rows = stacks ? part.reduce(0) { $0 + $1.rows } : 1
      count(rows: partStart.rows)
      // What runs in parts says nothing of how long the whole takes.
      partStart.reportedBytes = executions == 1 ? part.reduce(0) { $0 + $1.byteCount } : nil
      let requests = part.map { request in
        defer { partStart.reportedBytes = nil }
        return request.begin(rows: stacks ? request.rows : 1, partStart)
      }
      guard part.count > 1, plugin.description.isSafeToRetry else {
        plugin.execute(inputs: stacked, requests: requests)
        continue
      }
      let open = plugin.executeToRetry(inputs: stacked, requests: requests)
      if !open.isEmpty { bisection.failed(leaving: open.map { part[$0] }) }
    }
    return executions == 1
  }

  /// Takes in how long an execution over so many bytes of inputs took.
  func learn(batchBytes: Int, timing: InferenceTiming) {
    times.learn(byteCount: batchBytes, from: timing.startedAt, to: timing.startedAt + timing.execute)
    // Those from the queue are counted when their turn ends; of the others those of one row are the counters' rest.
    guard timing.reason == nil, timing.batchSize != 1 else { return }
    internals.withLock { $0.statistics.add(rows: timing.batchSize, assembly: 0, execute: timing.execute) }
  }

  /// A request that ran has its answer.
  func requestFinished(isSuccess: Bool, timing: InferenceTiming) {
    gate.leave()
    (isSuccess ? metrics.succeeded : metrics.failed).add()
    metrics.queueDuration.observe(Double(timing.queue) * 1e-9)
    metrics.executeDuration.observe(Double(timing.execute) * 1e-9)
    // What ran at once waited for no batch.
    if timing.reason != nil { metrics.batchWait.observe(Double(timing.assembly) * 1e-9) }
  }
}

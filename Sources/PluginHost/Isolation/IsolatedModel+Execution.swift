internal import Synchronization
internal import Tensors

/// Batches, on the threads of those who have them executed.
extension IsolatedModel {
  /// How long a request that was lost waits to be executed alone.
  private static let patience: Int64 = 10_000_000_000

  /// Runs a batch; see `PluginModel.execute`.
  func execute(inputs: [Tensor], requests: [PluginRequest], isRetried: Bool) -> [Int] {
    let conversation: Conversation
    do throws(PluginError) {
      conversation = try begin(inputs, requests, isRetried: isRetried, isAlone: false)
    } catch {
      finish(requests, error)
      return []
    }
    let outcome = conversation.listen()
    if case .pending = outcome,
      startThread({ [self] in _ = conclude(conversation, conversation.listen(), inputs, requests) })
    {
      return []
    }
    return conclude(conversation, outcome, inputs, requests)
  }

  private func begin(
    _ inputs: [Tensor], _ requests: [PluginRequest], isRetried: Bool, isAlone: Bool
  ) throws(PluginError) -> Conversation {
    let (process, lane) = try takeLane(isAlone: isAlone)
    let conversation = Conversation(
      of: self, process: process, index: lane, requests: requests, timeout: settings.timeout,
      spin: spins[lane])
    let number = nextJob()
    var writer = MessageWriter()
    guard let messages = conversation.place(inputs) else {
      leaveLane(lane, isAlone: isAlone, isServed: false)
      throw noMemory
    }
    for (index, request) in requests.enumerated() {
      request.attach(RequestCanceller(process: process, lane: lane, job: number, index: index))
    }
    JobMessage(
      number: number, isRetried: isRetried,
      requests: requests.map {
        JobMessage.Request(id: $0.id, parameters: $0.parameters, deadline: $0.deadline, rows: $0.rows)
      }, inputs: messages
    ).write(to: &writer)
    guard conversation.say(writer, memory: typicalAnswer.load(ordering: .relaxed))
    else {
      leaveLane(lane, isAlone: isAlone, isServed: false)
      throw noMemory
    }
    return conversation
  }

  private var noMemory: PluginError {
    PluginError(
      status: .outOfMemory,
      message: "the tensors that '\(name)' shares with its worker take \(inputs.bytesInUse) bytes in and "
        + "\(answers.bytesInUse) out, and the limit is \(inputs.region.byteCount) each: try again later")
  }

  private func conclude(
    _ conversation: Conversation, _ outcome: Conversation.Outcome, _ inputs: [Tensor],
    _ requests: [PluginRequest], isAlone: Bool = false
  ) -> [Int] {
    switch outcome {
    case .pending: return conclude(conversation, conversation.listen(), inputs, requests, isAlone: isAlone)
    case .done(let open):
      typicalAnswer.store(min(conversation.bytesUsed, 64 << 20), ordering: .relaxed)
      leaveLane(conversation.index, isAlone: isAlone, isServed: true)
      return open
    case .lost(let open, let isCulprit):
      leaveLane(conversation.index, isAlone: isAlone, isServed: false)
      let end = conversation.process.life.wait { $0.end } ?? WorkerEnd(reason: "ended")
      let mayRetry = description.isSafeToRetry && !isAlone && !isCulprit
      retry(open.filter { mayRetry && !conversation.hasStreamed($0) }, inputs, requests)
      finish(
        open.filter { !mayRetry || conversation.hasStreamed($0) }.map { requests[$0] },
        PluginError(
          status: .unavailable,
          message: "the worker of '\(name)' \(end.reason)\(end.place); it is started again"))
      return []
    }
  }

  /// Executes requests again that were lost with others, each alone, so that a crash has one culprit.
  private func retry(_ open: [Int], _ inputs: [Tensor], _ requests: [PluginRequest]) {
    var starts = [0]
    for request in requests { starts.append(starts[starts.count - 1] + request.rows) }
    for index in open {
      let rows = starts[index]..<starts[index + 1]
      let own = requests.count == 1 ? inputs : inputs.map { $0.rows(rows) }
      do throws(PluginError) {
        let conversation = try begin(own, [requests[index]], isRetried: false, isAlone: true)
        _ = conclude(conversation, conversation.listen(), own, [requests[index]], isAlone: true)
      } catch {
        finish([requests[index]], error)
      }
    }
  }

  private func finish(_ requests: [PluginRequest], _ error: PluginError) {
    for request in requests {
      request.attach(nil)
      request.receiver.finish(status: error.status, message: error.message, outputs: [])
    }
  }

  // MARK: - Lanes

  /// Waits for the worker and a lane of it.
  private func takeLane(isAlone: Bool) throws(PluginError) -> (WorkerProcess, Int) {
    if isAlone { monitor.change { $0.waitingAlone += 1 } }
    defer { if isAlone { monitor.change { $0.waitingAlone -= 1 } } }
    let patience = isAlone ? Self.patience : max(settings.timeout, Self.patience)
    let deadline = monotonicNow() + patience
    let taken: Result<(WorkerProcess, Int), PluginError>? = monitor.wait(until: deadline) { state in
      switch state.phase {
      case .quarantined(_, let reason):
        return .failure(
          PluginError(status: .unavailable, message: "'\(self.name)' does not serve: \(reason)"))
      case .stopped, .refused:
        return .failure(PluginError(status: .unavailable, message: "'\(self.name)' has been unloaded"))
      case .starting, .resting: return nil
      case .running: break
      }
      guard let process = state.process, !state.isAlone,
        isAlone ? state.running == 0 : state.waitingAlone == 0,
        process.life.withLock({ $0.end == nil }), let lane = state.idleLanes.popLast()
      else { return nil }
      state.running += 1
      state.isAlone = isAlone
      return .success((process, lane))
    }
    guard let taken else {
      throw PluginError(
        status: .unavailable,
        message: isAlone
          ? "the worker of '\(name)' ended with this request, and others keep it from being tried again"
          : "the worker of '\(name)' has not come back within \(patience / 1_000_000_000) s: try again later")
    }
    return try taken.get()
  }

  private func leaveLane(_ lane: Int, isAlone: Bool, isServed: Bool) {
    monitor.change { state in
      state.idleLanes.append(lane)
      state.running -= 1
      if isAlone { state.isAlone = false }
      if isServed { state.crashes = 0 }
    }
  }
}

/// Tells a worker that nobody waits for a request any more.
final class RequestCanceller: Sendable {
  private let process: WorkerProcess
  private let order: Order

  init(process: WorkerProcess, lane: Int, job: Int, index: Int) {
    self.process = process
    order = .cancel(lane: lane, job: job, index: index)
  }

  func cancel() { process.send(order) }
}

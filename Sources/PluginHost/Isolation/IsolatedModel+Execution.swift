internal import Synchronization
internal import Tensors

/// Batches, on the threads of those who have them executed.
extension IsolatedModel {
  /// How long a request that was lost waits to be executed alone.
  private static let patience: Int64 = 10_000_000_000

  /// Runs a train of batches; see `PluginModel.execute`.
  ///
  /// - Returns: the requests that are left open, and whether the worker has answered, or will.
  func execute(_ train: [PluginBatch], isRetried: Bool) -> (open: [Int], isServed: Bool) {
    let conversation: Conversation
    do throws(PluginError) {
      conversation = try begin(train, isRetried: isRetried, isAlone: false)
    } catch {
      for batch in train { finish(batch.requests, error) }
      return ([], false)
    }
    let outcome = conversation.listen()
    if case .pending = outcome,
      startThread({ [self] in _ = conclude(conversation, conversation.listen(), train) })
    {
      return ([], true)
    }
    return conclude(conversation, outcome, train)
  }

  private func begin(
    _ train: [PluginBatch], isRetried: Bool, isAlone: Bool
  ) throws(PluginError) -> Conversation {
    let (process, lane) = try takeLane(isAlone: isAlone)
    let conversation = Conversation(
      of: self, process: process, index: lane, train: train, timeout: settings.timeout)
    let number = nextJob()
    var writer = MessageWriter()
    let isWritten = JobMessage.write(
      train, number: number, isRetried: isRetried, to: &writer, placing: conversation.placeInput)
    guard isWritten, conversation.say(writer, memory: typicalAnswer.load(ordering: .relaxed) / 4 * 5) else {
      leaveLane(lane, isAlone: isAlone, isServed: false)
      throw noMemory
    }
    // While the worker is at work.
    for (index, request) in conversation.requests.enumerated() {
      request.attach(RequestCanceller(process: process, lane: lane, job: number, index: index))
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
    _ conversation: Conversation, _ outcome: Conversation.Outcome, _ train: [PluginBatch],
    isAlone: Bool = false
  ) -> (open: [Int], isServed: Bool) {
    switch outcome {
    case .pending: return conclude(conversation, conversation.listen(), train, isAlone: isAlone)
    case .done(let open):
      typicalAnswer.store(conversation.bytesUsed, ordering: .relaxed)
      conversation.close()
      leaveLane(conversation.index, isAlone: isAlone, isServed: true)
      return (open, true)
    case .lost(let open, let culprits):
      leaveLane(conversation.index, isAlone: isAlone, isServed: false)
      let end = conversation.process.life.wait { $0.end } ?? WorkerEnd(reason: "ended")
      let retried = open.filter {
        description.isSafeToRetry && !isAlone && !culprits.contains($0) && !conversation.hasStreamed($0)
      }
      retry(retried, train)
      finish(
        open.filter { !retried.contains($0) }.map { conversation.requests[$0] },
        PluginError(
          status: .unavailable,
          message: "the worker of '\(name)' \(end.reason)\(end.place); it is started again"))
      return ([], false)
    }
  }

  /// Executes requests again that were lost with others, each alone, so that a crash has one culprit.
  private func retry(_ open: [Int], _ train: [PluginBatch]) {
    guard !open.isEmpty else { return }
    let lone = train.flatMap(\.lone)
    for index in open {
      do throws(PluginError) {
        let conversation = try begin([lone[index]], isRetried: false, isAlone: true)
        _ = conclude(conversation, conversation.listen(), [lone[index]], isAlone: true)
      } catch {
        finish(lone[index].requests, error)
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
        !process.hasEnded, let lane = state.idleLanes.popLast()
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
struct RequestCanceller: Sendable {
  private let process: WorkerProcess
  private let order: Order

  init(process: WorkerProcess, lane: Int, job: Int, index: Int) {
    self.process = process
    order = .cancel(lane: lane, job: job, index: index)
  }

  func cancel() { process.send(order) }
}

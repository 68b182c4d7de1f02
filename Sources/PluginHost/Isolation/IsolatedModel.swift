internal import Glibc
internal import Kernels
internal import Synchronization
internal import Telemetry
internal import Tensors

/// A model in a process of its own: starts the worker, hands batches to it, and starts it again when it has ended.
///
/// Unchecked: what changes is in the monitor; `description` is written before the first batch.
final class IsolatedModel: @unchecked Sendable {
  enum Phase {
    case starting, running
    /// Until a time of CLOCK_MONOTONIC.
    case resting(Int64)
    case quarantined(Int64, reason: String)
    case refused(PluginError)
    case stopped
  }

  struct State {
    var phase = Phase.starting
    var process: WorkerProcess?
    /// One that makes its model.
    var newcomer: WorkerProcess?
    var idleLanes = Array((0..<Lane.limit).reversed())
    var running = 0
    /// Batches that want to run alone, and whether one does.
    var waitingAlone = 0
    var isAlone = false
    var isStopping = false
    /// Crashes since the last answer.
    var crashes = 0
    var hasServed = false
  }

  let name: String
  private(set) var description = ModelDescription(
    inputs: [], outputs: [], maximumBatch: 1, concurrency: .serial)
  let settings: IsolationSettings
  let services: HostServices
  let inputs: SharedArena
  let answers: SharedArena
  let status = WorkerStatus()
  let monitor = Monitor(State())
  let typicalAnswer = Atomic<Int>(0)
  let lanes: [LaneState]
  private let jobs = Atomic<Int>(0)
  private let command: WorkerCommand
  private let message: CreateMessage
  private let plugin: Int32
  private let pluginPath: String
  private static let creationTimeout: Int64 = 600_000_000_000

  /// Starts a worker and has it make the model. Blocks.
  init(
    plugin path: String, path model: String, configuration: String, name: String,
    settings: IsolationSettings, command: WorkerCommand, services: HostServices
  ) throws(PluginError) {
    guard let inputs = SharedArena(name: "swerve-inputs", byteCount: command.arenaBytes),
      let answers = SharedArena(name: "swerve-answers", byteCount: command.arenaBytes)
    else { throw PluginError(status: .outOfMemory, message: "no memory to share with a worker") }
    plugin = try SharedObject(path: path, trust: services.trust).copyToMemory()
    self.inputs = inputs
    self.answers = answers
    self.name = name
    self.settings = settings
    self.command = command
    lanes = (0..<Lane.limit).map { _ in LaneState(spin: SpinBudget(limit: command.spinNanoseconds)) }
    self.services = services
    pluginPath = path
    message = Self.message(path, model, configuration, name, settings, command, services)
    guard startThread({ [self] in supervise() }) else {
      throw PluginError(status: .unavailable, message: "no thread to be had to start a worker from")
    }
    let outcome: Result<Void, PluginError>? = monitor.wait { state in
      switch state.phase {
      case .running: .success(())
      case .refused(let error): .failure(error)
      default: nil
      }
    }
    try outcome?.get()
  }

  deinit { close(plugin) }

  private static func message(
    _ plugin: String, _ model: String, _ configuration: String, _ name: String,
    _ settings: IsolationSettings, _ command: WorkerCommand, _ services: HostServices
  ) -> CreateMessage {
    var message = CreateMessage()
    message.plugin = plugin
    message.path = model
    message.configuration = configuration
    message.name = name
    message.serverVersion = services.serverVersion.map { String(cString: $0) } ?? "0"
    message.tensorLimit = services.tensorLimit
    message.instructionSet = services.instructionSet
    message.threadCount = command.threadCount
    message.spinNanoseconds = Int(command.spinNanoseconds)
    message.hasMetrics = services.metrics != nil
    message.memoryBytes = settings.memoryBytes ?? 0
    message.readable = settings.readable + [model]
    message.writable = settings.writable
    message.allowsNetwork = settings.allowsNetwork
    message.allowsProcesses = settings.allowsProcesses
    return message
  }

  /// Memory that the worker sees, for inputs; nil: there is none left. Requests that wait may have half of it, so that
  /// those that are executed find some.
  func inputMemory(_ byteCount: Int) -> TensorMemory? {
    guard byteCount <= inputs.region.byteCount / 2 - inputs.bytesInUse else { return nil }
    return inputs.allocate(byteCount)?.memory
  }

  /// A number for the next batch.
  func nextJob() -> Int { jobs.wrappingAdd(1, ordering: .relaxed).newValue }

  /// Destroys the model and ends the worker; waits for it a moment.
  func stop() {
    monitor.change { state in
      state.isStopping = true
      state.process?.send(.end)
    }
    let isStopped: Void? = monitor.wait(until: monotonicNow() + 2_000_000_000) { state in
      if case .stopped = state.phase { () } else { nil }
    }
    if isStopped == nil { monitor.withLock { $0.process ?? $0.newcomer }?.end("was told to end") }
  }

  // MARK: - The supervisor's thread

  private func supervise() {
    while !monitor.withLock({ $0.isStopping }) {
      var end: WorkerEnd?
      do throws(PluginError) {
        end = try runWorker()
      } catch {
        guard monitor.withLock({ $0.hasServed }) else {
          monitor.change { $0.phase = .refused(error) }
          return
        }
        end = WorkerEnd(reason: error.message)
      }
      if let end, !monitor.withLock({ $0.isStopping }) { rest(after: end) }
    }
    monitor.change { $0.phase = .stopped }
  }

  /// Runs one worker from its start to its end.
  private func runWorker() throws(PluginError) -> WorkerEnd? {
    let process = try WorkerProcess(
      command: command, inputs: inputs.region, answers: answers.region, plugin: plugin)
    let reports = WorkerReports(services: services, plugin: pluginPath, model: name)
    guard startThread({ process.watch(reports.take) }) else {
      process.abandon()
      throw PluginError(status: .unavailable, message: "no thread to be had to watch a worker")
    }
    monitor.change { $0.newcomer = process }
    defer { monitor.change { $0.newcomer = nil } }
    var writer = MessageWriter()
    message.write(to: &writer)
    let conversation = Conversation(
      of: self, process: process, index: 0, train: [], timeout: Self.creationTimeout)
    guard conversation.say(writer, memory: 0) else {
      process.end("has no memory to share")
      throw PluginError(status: .outOfMemory, message: "no memory to share with a worker")
    }
    switch conversation.hearOfCreation() {
    case .success(let description)?:
      if !monitor.withLock({ $0.hasServed }) {
        self.description = description
      } else if !description.isInterchangeable(with: self.description) {
        process.end("describes its model otherwise than before")
        _ = process.life.wait { $0.end }
        throw PluginError(
          status: .unavailable, message: "the worker describes its model otherwise than the one before it did"
        )
      }
    case .failure(let error)?:
      process.end("refused")
      _ = process.life.wait { $0.end }
      throw error
    case nil:
      let end = process.life.wait { $0.end } ?? WorkerEnd(reason: "ended")
      logEnd(end)
      throw PluginError(
        status: .unavailable, message: "the worker \(end.reason) while it made the model" + end.place)
    }
    monitor.change { state in
      state.hasServed = true
      state.process = process
      state.phase = .running
      if state.isStopping { process.send(.end) }
    }
    let end = process.life.wait { $0.end }
    // No new worker fills the memory before everybody has left the old one's.
    _ = monitor.wait { state -> Void? in
      state.process = nil
      if case .running = state.phase { state.phase = .starting }
      return state.running == 0 ? () : nil
    }
    return end
  }

  /// Says that the worker has ended, and waits until it is to be started again.
  private func rest(after end: WorkerEnd) {
    logEnd(end)
    status.countRestart()
    let crashes = monitor.change { state in
      state.crashes += 1
      return state.crashes
    }
    let now = monotonicNow()
    if crashes >= settings.crashesInARow {
      let reason =
        "it is quarantined for \(settings.quarantine / 1_000_000_000) s: its plugin's worker ended \(crashes) times "
        + "in a row, the last time it \(end.reason)\(end.place)"
      services.log(.error, pluginPath, name, reason)
      status.fault = reason
      wait(until: now + settings.quarantine) { .quarantined($0, reason: reason) }
      status.fault = nil
    } else if crashes > 1 {
      let delay = min(Int64(100_000_000) << min(crashes - 2, 10), 10_000_000_000)
      wait(until: now + delay) { .resting($0) }
    }
    monitor.change { $0.phase = .starting }
  }

  private func wait(until end: Int64, _ phase: (Int64) -> Phase) {
    monitor.change { $0.phase = phase(end) }
    _ = monitor.wait(until: end) { $0.isStopping ? () : nil }
  }

  private func logEnd(_ end: WorkerEnd) {
    let stack = end.stack.isEmpty ? "" : "; stack: " + end.stack.joined(separator: " < ")
    services.log(.error, pluginPath, name, "the plugin's worker \(end.reason)\(stack)")
  }
}

extension WorkerEnd {
  /// Where in the plugin it was, for a message; empty if that is not known.
  var place: String { stack.first.map { " in \($0)" } ?? "" }
}

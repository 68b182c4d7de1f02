internal import CIsolation
internal import Glibc
internal import Kernels
internal import Locks
internal import Telemetry
internal import Tensors

/// The worker's side of isolation: what a process does that `WorkerCommand` starts.
public enum PluginWorker {
  private static let system = [
    "/usr", "/lib", "/lib64", "/bin", "/etc", "/opt", "/sys/devices/system", "/sys/fs/cgroup", "/proc/self",
    "/proc/cpuinfo", "/proc/meminfo", "/proc/stat", "/proc/sys", "/dev/urandom", "/dev/random",
  ]
  private static let devices = ["/dev/null", "/dev/zero"]

  /// Makes the model that the server asks for and executes its batches, until the server ends it or has gone.
  ///
  /// - Parameter parent: the server's process id, as it was given to the worker.
  public static func run(parent: Int32) -> Never {
    guard isolation_begin(parent, WorkerDescriptor.plugin.rawValue + 1) else { exit(0) }
    isolation_report_crashes(WorkerDescriptor.reports.rawValue)
    guard let control = region(.control), let inputs = region(.inputs, isWritable: false),
      let answers = region(.answers)
    else { exit(1) }
    let first = Lane(0, in: control)
    let memory = LaneMemory(first, inputs: inputs, answers: answers)
    _ = first.toWorker.wait(past: 0, spin: nil)
    memory.begin()
    let bytes = UnsafeRawBufferPointer(
      start: inputs.base + first[.messageOffset], count: first[.messageCount])
    var reader = MessageReader(bytes)
    guard let message = try? CreateMessage(&reader) else { exit(1) }
    do throws(PluginError) {
      let model = try makeModel(message)
      let worker = Worker(
        model: model, control: control, inputs: inputs, answers: answers,
        spinNanoseconds: Int64(message.spinNanoseconds))
      var writer = MessageWriter()
      model.description.write(to: &writer)
      memory.post(.created, writer)
      worker.open(lane: 0, heard: memory.heard)
      worker.takeOrders()
    } catch {
      var writer = MessageWriter()
      RefusalMessage(error).write(to: &writer)
      memory.post(.refused, writer)
      exit(0)
    }
  }

  private static func region(_ descriptor: WorkerDescriptor, isWritable: Bool = true) -> SharedRegion? {
    var status = stat()
    guard fstat(descriptor.rawValue, &status) == 0 else { return nil }
    return SharedRegion(
      descriptor: descriptor.rawValue, byteCount: Int(status.st_size), isWritable: isWritable)
  }

  private static func makeModel(_ message: CreateMessage) throws(PluginError) -> PluginModel {
    let relay = ReportRelay()
    let services = HostServices(
      serverVersion: message.serverVersion,
      threadPool: message.threadCount > 0 ? ThreadPool(workerCount: message.threadCount) : nil,
      instructionSet: message.instructionSet, tensorLimit: message.tensorLimit,
      metricRelay: message.hasMetrics ? relay.send : nil
    ) { level, _, _, text in
      relay.send(.log(level: level.rawValue, message: text))
    } faults: { text in
      relay.send(.fault(text))
    }
    confine(message, relay)
    let library = try services.libraries.load(
      copy: WorkerDescriptor.plugin.rawValue, path: message.plugin, services)
    return try Plugin(library: library, path: message.plugin, services: services).makeModel(
      path: message.path, configuration: message.configuration, name: message.name)
  }

  private static func confine(_ message: CreateMessage, _ relay: ReportRelay) {
    isolation_limit_memory(UInt64(max(message.memoryBytes, 0)))
    let readable = (system + message.readable).map { strdup($0) }
    let writable = (devices + message.writable).map { strdup($0) }
    defer { for text in readable + writable { free(text) } }
    let version = isolation_limit_files(
      readable.map { UnsafePointer($0) } + [nil], writable.map { UnsafePointer($0) } + [nil])
    let isLimited = isolation_limit_calls(message.allowsNetwork, message.allowsProcesses)
    if version == 0 || !isLimited {
      let missing = (version == 0 ? ["landlock"] : []) + (isLimited ? [] : ["seccomp"])
      relay.send(
        .log(
          level: 2,
          message: "the kernel has no \(missing.joined(separator: " and no ")): the worker keeps those rights"
        ))
    }
  }
}

/// Sends what the plugin reports to the server.
struct ReportRelay: Sendable {
  @Sendable func send(_ report: Report) {
    Packets.send(report.packet, to: WorkerDescriptor.reports.rawValue)
  }
}

/// A model and the lanes on which its batches come.
final class Worker: Sendable {
  let control: SharedRegion
  let inputs: SharedRegion
  let answers: SharedRegion
  let spinNanoseconds: Int64
  let model: PluginModel
  private let lanes = Lock<[Int: WorkerLane]>([:])

  init(
    model: PluginModel, control: SharedRegion, inputs: SharedRegion, answers: SharedRegion,
    spinNanoseconds: Int64
  ) {
    self.model = model
    self.control = control
    self.inputs = inputs
    self.answers = answers
    self.spinNanoseconds = spinNanoseconds
  }

  func open(lane index: Int, heard: UInt32 = 0) {
    let lane = WorkerLane(Lane(index, in: control), heard: heard, worker: self)
    lanes.withLock { $0[index] = lane }
    // Without the thread the lane's first batch is never answered, and the server ends this process.
    startThread { lane.serve() }
  }

  /// Does what the server orders, until it orders the end or has gone.
  func takeOrders() -> Never {
    while Packets.receive(from: WorkerDescriptor.reports.rawValue, take) {}
    _exit(0)
  }

  private func take(_ packet: UnsafeRawBufferPointer) {
    guard let order = try? Order(packet: packet) else { return }
    switch order {
    case .open(let lane): open(lane: lane)
    case .cancel(let lane, let job, let index): lanes.withLock { $0[lane] }?.cancel(job: job, index: index)
    case .end:
      model.destroy()
      _exit(0)
    }
  }
}

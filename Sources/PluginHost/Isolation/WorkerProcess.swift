internal import CIsolation
internal import Glibc
internal import Locks
internal import Synchronization

/// How a worker ended.
struct WorkerEnd: Sendable {
  /// `was killed by SIGSEGV`
  var reason: String
  /// The calls that were open, the innermost first; empty if it could not say.
  var stack: [String] = []
}

/// One run of a worker, seen from the server: its process, its lanes, and what it reports.
///
/// Unchecked: everything is constant or behind a lock of its own.
final class WorkerProcess: @unchecked Sendable {
  struct Life {
    var end: WorkerEnd?
    /// Why the server ends it; it then counts instead of the signal.
    var verdict: String?
    var signal: String?
    var stack: [StackFrame] = []
  }

  let process: pid_t
  let control: SharedRegion
  let life = Monitor(Life())
  private let ended = Atomic<Bool>(false)
  private let socket: Int32
  private let plugin: Int32
  /// Held while a signal is sent, so that the process id is no other's by then; true once it may be.
  private let isReaped = Lock(false)
  private static let mostFrames = 64
  /// A bit for each lane that has a thread.
  private let openLanes = Lock<UInt64>(1)

  /// Starts a worker. Called on a thread that lives as long as the worker may: the kernel ends it with that thread.
  /// - Parameter plugin: a descriptor of the plugin's library, which stays open until the worker has ended.
  init(
    command: WorkerCommand, inputs: SharedRegion, answers: SharedRegion, plugin: Int32
  ) throws(PluginError) {
    guard let control = SharedRegion(name: "swerve-lanes", byteCount: Lane.controlBytes) else {
      throw Self.failure("no memory to share", errno)
    }
    self.control = control
    self.plugin = plugin
    var ends: [Int32] = [-1, -1]
    guard socketpair(AF_UNIX, Int32(SOCK_SEQPACKET.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0, &ends) == 0
    else { throw Self.failure("no socket", errno) }
    socket = ends[0]
    defer { close(ends[1]) }
    // A worker cannot change what it is given.
    let readable = isolation_read_only(inputs.descriptor)
    guard readable >= 0 else {
      close(ends[0])
      throw Self.failure("its inputs cannot be shared", errno)
    }
    defer { close(readable) }
    let descriptors = [ends[1], control.descriptor, readable, answers.descriptor, plugin]
    process = Self.spawn(command, descriptors)
    guard process > 0 else {
      close(ends[0])
      throw Self.failure("\(command.executable) cannot be started", -process)
    }
  }

  deinit { close(socket) }

  private static func failure(_ what: String, _ reason: Int32) -> PluginError {
    PluginError(
      status: .unavailable,
      message: "no worker could be started: \(what): \(String(cString: strerror(reason)))")
  }

  private static func spawn(_ command: WorkerCommand, _ descriptors: [Int32]) -> pid_t {
    // What lists of processes show.
    let arguments = (["swerve"] + command.arguments + [String(getpid())]).map { strdup($0) }
    let environment = command.environment.map { strdup($0) }
    defer { for text in arguments + environment { free(text) } }
    return Children.start {
      isolation_spawn(
        command.executable, arguments + [nil], environment + [nil], descriptors, Int32(descriptors.count))
    }
  }

  /// The lane, whose thread is started with its first use.
  func lane(_ index: Int) -> Lane {
    let isNew = openLanes.withLock { lanes in
      defer { lanes |= 1 << UInt64(index) }
      return lanes & 1 << UInt64(index) == 0
    }
    if isNew, !send(.open(lane: index)) {
      end("takes no orders and was ended")
    }
    return Lane(index, in: control)
  }

  /// Does not wait for a worker that does not listen; false: the order is lost.
  @discardableResult
  func send(_ order: Order) -> Bool { Packets.send(order.packet, to: socket, waits: false) }

  /// Ends the worker, which did not answer on `lane`; what it did shows in the log, if it can still say.
  func endHung(_ verdict: String, lane: Lane) {
    let isFirst = life.change { life in
      defer { life.verdict = life.verdict ?? verdict }
      return life.verdict == nil
    }
    guard isFirst else { return }
    let thread = pid_t(truncatingIfNeeded: lane[.thread])
    if thread > 0 { isReaped.withLock { if !$0 { isolation_ask_for_stack(process, thread) } } }
    _ = life.wait(until: monotonicNow() + 200_000_000) { $0.end }
    kill()
  }

  func end(_ verdict: String) {
    life.change { $0.verdict = $0.verdict ?? verdict }
    kill()
  }

  private func kill() {
    isReaped.withLock { if !$0 { _ = Glibc.kill(process, SIGKILL) } }
  }

  /// Ends a worker that nobody watches.
  func abandon() {
    end("was given up")
    let reason = reap()
    tellEnd(reason)
  }

  private func tellEnd(_ reason: String, _ stack: [String] = []) {
    // First, so that whoever was woken by the end, or by a bell that is rung for it, sees it.
    ended.store(true, ordering: .sequentiallyConsistent)
    life.change { $0.end = WorkerEnd(reason: $0.verdict ?? reason, stack: stack) }
  }

  /// Whether it has ended, as far as is known. Takes no lock.
  var hasEnded: Bool { ended.load(ordering: .acquiring) }

  /// Takes in what the worker reports until it has ended, and wakes those who wait for it.
  func watch(_ report: (Report) -> Void) {
    let descriptor = isolation_process_descriptor(process)
    defer { if descriptor >= 0 { close(descriptor) } }
    var polled = [
      pollfd(fd: socket, events: Int16(POLLIN), revents: 0),
      pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0),
    ]
    while polled[1].revents == 0 {
      guard poll(&polled, 2, -1) >= 0 || errno == EINTR else { break }
      if polled[0].revents != 0, !receive(report) { polled[0].fd = -1 }
    }
    drain(report)
    let reason = reap()
    let frames = life.withLock { $0.stack }
    // Before the end is told, with which the plugin's descriptor may be closed.
    let stack = described(frames)
    tellEnd(reason, stack)
    let lanes = openLanes.withLock { $0 }
    for index in 0..<Lane.limit where lanes & 1 << UInt64(index) != 0 {
      Lane(index, in: control).toServer.ring()
    }
  }

  /// The frames with the names of the plugin's static functions, which the worker does not know.
  private func described(_ frames: [StackFrame]) -> [String] {
    guard frames.contains(where: { $0.symbol.isEmpty && $0.isOfPlugin }),
      let symbols = ELFSymbols(descriptor: plugin)
    else { return frames.map(\.description) }
    return frames.enumerated().map { index, frame in
      // All but the innermost are return addresses: of the call before them.
      let back: UInt64 = index == 0 ? 0 : 1
      guard frame.symbol.isEmpty, frame.isOfPlugin,
        let address = UInt64(frame.offset.dropFirst(2), radix: 16),
        address >= back, let found = symbols.function(at: address - back)
      else { return frame.description }
      var frame = frame
      frame.symbol = found.name
      frame.symbolOffset = "0x" + String(found.offset + back, radix: 16)
      return frame.description
    }
  }

  private func drain(_ report: (Report) -> Void) {
    var polled = pollfd(fd: socket, events: Int16(POLLIN), revents: 0)
    while poll(&polled, 1, 0) > 0, receive(report) {}
  }

  private func receive(_ report: (Report) -> Void) -> Bool {
    Packets.receive(from: socket) { packet in
      guard let read = try? Report(packet: packet) else { return }
      switch read {
      case .signal(let number, _, let address):
        life.withLock { $0.signal = Self.name(number) + (number == SIGSEGV ? " at address \(address)" : "") }
      case .frame(let frame):
        life.withLock { if $0.stack.count < Self.mostFrames { $0.stack.append(frame) } }
      default: report(read)
      }
    }
  }

  /// Takes leave of the process; says how it ended.
  private func reap() -> String {
    isolation_await_end(process)
    let status = isReaped.withLock { isReaped in
      isReaped = true
      return Children.wait(for: process)
    }
    guard let status else { return "ended" }
    let number = status & 0x7F
    if number != 0 { return "was killed by " + (life.withLock { $0.signal } ?? Self.name(number)) }
    return "ended with exit code \((status >> 8) & 0xFF)"
  }

  private static func name(_ number: Int32) -> String {
    let names = [
      SIGSEGV: "SIGSEGV", SIGBUS: "SIGBUS", SIGILL: "SIGILL", SIGFPE: "SIGFPE", SIGABRT: "SIGABRT",
      SIGTRAP: "SIGTRAP", SIGSYS: "SIGSYS", SIGQUIT: "SIGQUIT", SIGKILL: "SIGKILL", SIGTERM: "SIGTERM",
    ]
    return names[number] ?? "signal \(number)"
  }
}

import CEvent
import Glibc
import Locks
public import Telemetry

/// An HTTP/1.1 server: event loops, their threads, and the sockets they listen on.
///
/// It starts once and stops once. All members may be used from any thread.
public final class HTTPServer: Sendable {
  private struct State {
    var threads: [pthread_t] = []
    var isStarted = false
    var addresses: [ListenAddress] = []
    var signals: [@Sendable (EventLoop) -> Void] = []
    var socketPaths: [String] = []
  }

  private let context: ServerContext
  /// The loops; connections are spread over them.
  public let loops: [EventLoop]
  private let state = Lock(State())

  public init(
    configuration: ServerConfiguration, handler: any ExchangeHandler, events: ServerEvents = ServerEvents(),
    clock: MonotonicClock = .system
  ) {
    let context = ServerContext(configuration: configuration, handler: handler, events: events, clock: clock)
    self.context = context
    loops = (0..<max(1, configuration.loopCount)).map { _ in EventLoop(context: context) }
  }

  /// Where the server listens, with the ports that the system picked; empty before the start.
  public var addresses: [ListenAddress] { state.withLock { $0.addresses } }

  /// The first TCP port that the server listens on; nil before the start.
  public var port: Int? {
    for address in addresses { if case .tcp(_, let port) = address.kind { return port } }
    return nil
  }

  /// Open connections on all loops.
  public var connectionCount: Int { context.limits.openConnections }

  /// Listens on every address and starts the threads; returns when clients can connect. The error names
  /// the address and what the system said. SIGPIPE is ignored from here on, in the whole process.
  public func start() throws(HTTPServerError) {
    let isFirst = state.withLock { state in
      defer { state.isStarted = true }
      return !state.isStarted
    }
    guard isFirst else { throw HTTPServerError("the server was started before; make a new one") }
    signal(SIGPIPE, SIG_IGN)
    try context.tls?.load()
    for loop in loops { try loop.open() }
    watchCertificates()
    if let report = context.events.loopLagged { for loop in loops { loop.measureLag(report) } }
    for address in context.configuration.listeners { try listen(on: address) }
    let signals = state.withLock { $0.signals }
    for watch in signals { watch(loops[0]) }
    for (index, loop) in loops.enumerated() { try startThread(loop, index) }
  }

  /// Calls `action` on a loop whenever the process gets one of these signals. Before the start or after.
  /// Only one server of a process can have signals, since libevent has one place for them.
  public func onSignal(_ numbers: [Int32], _ action: @escaping @Sendable (Int32) -> Void) {
    let watch: @Sendable (EventLoop) -> Void = { loop in
      for number in numbers { loop.watchSignal(number, action) }
    }
    let isStarted = state.withLock { state in
      if !state.isStarted { state.signals.append(watch) }
      return state.isStarted
    }
    let first = loops[0]
    if isStarted { first.run { watch(first) } }
  }

  /// Reads the files of `ServerConfiguration.tls` again, soon: new connections get what they hold, open
  /// ones go on with what they had. Files that cannot be used change nothing but the log.
  public func reloadCertificates() {
    guard let tls = context.tls else { return }
    let report = context.events.log
    loops[0].run { tls.reload(report) }
  }

  /// Closes the listening sockets; open connections go on.
  public func stopAccepting() {
    for loop in loops { loop.run { loop.stopAccepting() } }
    removeSocketFiles()
  }

  /// Closes connections as soon as no request is on them: idle ones now, others with their answers, which
  /// say `Connection: close`. New connections are still accepted, and treated alike.
  ///
  /// - Parameter closesIdle: false lets idle connections have one more request: a proxy may be sending it just
  ///   now, and would have to fail it if the connection closed under it.
  public func beginDrain(closesIdle: Bool = true) {
    for loop in loops { loop.run { loop.beginDrain(closesIdle: closesIdle) } }
  }

  /// Stops accepting, drains, and ends each loop when its last connection has closed, or after `grace`
  /// nanoseconds, when what is open is closed and its requests abandoned. Returns at once; `join` waits.
  ///
  /// With a grace, connections whose handshakes have begun are still accepted for a moment, and served.
  public func stop(grace: Int64) {
    let (deadline, overflows) = context.clock.now().addingReportingOverflow(max(0, grace))
    for loop in loops { loop.run { loop.stop(by: overflows ? .max : deadline, grace: max(0, grace)) } }
    removeSocketFiles()
  }

  /// Waits until all loops have ended. Not from a loop.
  public func join() {
    let threads = state.withLock { state in
      defer { state.threads = [] }
      return state.threads
    }
    for thread in threads { pthread_join(thread, nil) }
  }

  private func removeSocketFiles() {
    let paths = state.withLock { state in
      defer { state.socketPaths = [] }
      return state.socketPaths
    }
    for path in paths { unlink(path) }
  }

  // MARK: Starting

  /// All renewals run on the first loop, so that none overtakes another.
  private func watchCertificates() {
    guard let tls = context.tls else { return }
    let report = context.events.log
    loops[0].every(tls.configuration.fileCheckTime) { tls.reloadIfChanged(report) }
  }

  private func listen(on address: ListenAddress) throws(HTTPServerError) {
    var bound = address
    switch address.kind {
    case .tcp(let host, let port):
      let opened = try ListeningSocket.tcp(
        address, host: host, port: port, count: loops.count, sharesPort: context.configuration.sharesPorts)
      bound = .tcp(host: host, port: opened.port)
      for (loop, descriptor) in zip(loops, opened.descriptors) {
        try loop.listen(descriptor, isSecure: context.tls != nil, placement(tolerance: 4))
      }
    case .unix(let path, let mode):
      let descriptor = try ListeningSocket.unix(address, path: path, mode: mode)
      state.withLock { $0.socketPaths.append(path) }
      try loops[0].listen(descriptor, isSecure: false, placement(tolerance: 0))
    }
    state.withLock { $0.addresses.append(bound) }
  }

  /// Chooses the loop for a connection: the one that accepted it, unless that has notably more than
  /// another. The system spreads connections over the sockets of a port by chance.
  private func placement(tolerance: Int) -> (EventLoop) -> EventLoop {
    let loops = loops.map { Unowned(loop: $0) }
    return { accepting in
      var least = accepting
      for candidate in loops where candidate.loop.connectionCount < least.connectionCount {
        least = candidate.loop
      }
      return accepting.connectionCount - least.connectionCount > tolerance ? least : accepting
    }
  }

  /// A loop's listeners refer to all loops, which outlive them, since the server holds them.
  private struct Unowned { unowned let loop: EventLoop }

  private func startThread(_ loop: EventLoop, _ index: Int) throws(HTTPServerError) {
    var thread = pthread_t()
    let start = Unmanaged.passRetained(loop).toOpaque()
    let code = pthread_create(
      &thread, nil,
      { start in
        guard let start else { return nil }
        Unmanaged<EventLoop>.fromOpaque(start).takeRetainedValue().runUntilStopped()
        return nil
      }, start)
    guard code == 0 else {
      Unmanaged<EventLoop>.fromOpaque(start).release()
      stop(grace: 0)
      throw HTTPServerError("cannot start the thread of an event loop: \(HTTPServerError.text(of: code))")
    }
    pthread_setname_np(thread, "swerve-loop-\(index)")
    state.withLock { $0.threads.append(thread) }
  }
}

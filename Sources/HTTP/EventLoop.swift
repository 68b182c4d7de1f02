import Bytes
import CEvent
import Glibc
import Synchronization
import Telemetry

/// A thread with a libevent base and the connections it owns.
///
/// Connections never leave their loop, so nothing of theirs is locked. Others reach a loop by `run`.
///
/// Unchecked: what is mutable belongs to the loop's thread, but for what is set before the thread starts; the
/// mailbox and the atomics are any thread's.
public final class EventLoop: @unchecked Sendable {
  let context: ServerContext
  let blocks: BlockPool
  let outputs: OutputPool
  let inflater = Inflater()
  let deflater: Deflater
  var responseHead: ResponseHead
  /// Nanoseconds when the current event was taken up.
  private(set) var now: Int64 = 0
  /// No request after the current ones: replies say `Connection: close`.
  private(set) var isDraining = false
  /// Whatever the handler keeps for this loop; touched on the loop's thread only.
  public var companion: AnyObject?
  /// Requests that handlers have and have not answered.
  var requestsInFlight = 0
  let limitOfRequests: Int

  private var busyPoll: BusyPoll
  /// Held from the first event after a sleep to the next sleep.
  private var permit: ProcessorPermits.Permit?
  /// Events of connections and actions of this turn.
  private var eventCount = 0
  private var wakeCount = 0
  /// What `context.turns` was after the last turn of this loop.
  private var lastTurn = 0

  private let mailbox = LoopMailbox()
  private var taken: [@Sendable () -> Void] = []
  private var exchanges: [Exchange] = []
  private var connections: [Connection] = []
  /// What this turn has answered and not sent.
  private var unsent = FlushList()
  /// Whether the last turn had several events.
  private var isBusy = false
  /// Connections with more to read than one turn allows.
  private var resuming: [Connection] = []
  private var listeners: [Listener] = []
  private var signals: [SignalEvent] = []
  private var periodic: [PeriodicEvent] = []
  private var base: OpaquePointer?
  private var wakeEvent: OpaquePointer?
  private var tickEvent: OpaquePointer?
  private var isTicking = false
  /// The server is stopping: once the listeners have closed, nothing comes any more.
  private(set) var isStopping = false
  /// When listeners that take no new handshakes close.
  private var listenersCloseAt = Int64.max
  private var stopDeadline = Int64.max
  private var hasStopped = false
  /// No deadline of any connection is earlier.
  private var earliestDeadline = Int64.max
  private var nextTrim: Int64 = 0
  private let openConnections = Atomic<Int>(0)
  private let threadID = Atomic<UInt>(0)

  init(context: ServerContext) {
    self.context = context
    let configuration = context.configuration
    blocks = BlockPool(keepLimit: configuration.keptBytesPerLoop / 2)
    outputs = OutputPool(keepLimit: configuration.keptBytesPerLoop / 2)
    deflater = Deflater(level: configuration.compressLevel)
    responseHead = ResponseHead(serverName: configuration.serverName)
    busyPoll = BusyPoll(limit: configuration.busyPollTime)
    limitOfRequests = max(1, configuration.requestsInFlight / max(1, configuration.loopCount))
  }

  deinit { releaseEvents() }

  /// Runs `action` on the loop's thread, soon. From any thread; wakes the loop only if it sleeps.
  ///
  /// Actions run in the order they came in. On the loop's own thread too this never runs `action` before
  /// it returns. After the server has stopped, actions are dropped.
  public func run(_ action: @escaping @Sendable () -> Void) { _ = post(action) }

  /// The same; false if the loop has ended.
  func post(_ action: @escaping @Sendable () -> Void) -> Bool { mailbox.post(action) }

  /// Whether the caller is on the loop's thread.
  public var isCurrent: Bool { threadID.load(ordering: .relaxed) == pthread_self() }

  /// The connections it owns or is about to get, from any thread.
  var connectionCount: Int { openConnections.load(ordering: .relaxed) }

  /// Counts a connection that is on its way to `adopt`.
  func expectConnection() { openConnections.add(1, ordering: .relaxed) }

  /// Makes the libevent base; called before the thread starts.
  func open() throws(HTTPServerError) {
    guard let settings = event_config_new() else { throw HTTPServerError("libevent: no memory") }
    defer { event_config_free(settings) }
    // The base is used by its thread alone, so it needs no locks.
    event_config_set_flag(settings, Int32(EVENT_BASE_FLAG_NOLOCK.rawValue))
    event_config_require_features(settings, Int32(EV_FEATURE_ET.rawValue | EV_FEATURE_EARLY_CLOSE.rawValue))
    guard mailbox.wakeDescriptor >= 0, let base = event_base_new_with_config(settings) else {
      throw HTTPServerError(
        "libevent offers no edge-triggered events on this system; Linux with epoll is needed")
    }
    self.base = base
    let own = Unmanaged.passUnretained(self).toOpaque()
    wakeEvent = event_new(
      base, mailbox.wakeDescriptor, Int16(EV_READ | EV_ET | EV_PERSIST),
      { _, _, own in
        guard let own else { return }
        Unmanaged<EventLoop>.fromOpaque(own).takeUnretainedValue().wakeCount &+= 1
      }, own)
    tickEvent = event_new(
      base, -1, Int16(EV_PERSIST),
      { _, _, own in
        guard let own else { return }
        Unmanaged<EventLoop>.fromOpaque(own).takeUnretainedValue().tick()
      }, own)
    event_add(wakeEvent, nil)
  }

  private func releaseEvents() {
    for event in [wakeEvent, tickEvent] { if let event { event_free(event) } }
    wakeEvent = nil
    tickEvent = nil
    if let base { event_base_free(base) }
    base = nil
  }

  /// The thread: runs until stopped.
  func runUntilStopped() {
    threadID.store(pthread_self(), ordering: .relaxed)
    while !hasStopped {
      runPosted()
      if hasStopped { break }
      resumeConnections()
      waitForEvents()
      isBusy = eventCount > 1
      eventCount = 0
    }
    defer { givePermit() }
    mailbox.end()
    // Connections that were on their way here are turned away.
    runPosted()
    stopAccepting()
    signals = []
    periodic = []
    // They refer to the loop.
    exchanges = []
    releaseEvents()
  }

  /// Runs what libevent has, and sleeps if there is nothing.
  private func waitForEvents() {
    flushUnsent()
    givePermit()
    guard busyPoll.limit > 0 else { return sleepOrRun() }
    let start = context.clock.now()
    busyPoll.beginTurn()
    if busyPoll.isWorthwhile { pollForEvents(until: start + busyPoll.limit) }
    if busyPoll.isTurnEmpty { sleepOrRun() }
    guard !busyPoll.isTurnEmpty else { return }
    busyPoll.endTurn(after: now - start, number: context.turns.add(1, ordering: .relaxed).newValue)
  }

  /// Looks for events again and again while no other loop has any: a client may need their processors.
  private func pollForEvents(until end: Int64) {
    guard isIdleUntilWoken() else { return }
    let wakes = wakeCount
    while context.turns.load(ordering: .relaxed) == busyPoll.lastTurn {
      event_base_loop(base, EVLOOP_ONCE | EVLOOP_NONBLOCK)
      if !busyPoll.isTurnEmpty || wakeCount != wakes || context.clock.now() >= end { return }
      // On a processor that others want too, they go first.
      sched_yield()
    }
  }

  private func sleepOrRun() {
    event_base_loop(base, EVLOOP_ONCE | (isIdleUntilWoken() ? 0 : EVLOOP_NONBLOCK))
  }

  /// Whether there is nothing to run; if so, the next `post` wakes the loop.
  private func isIdleUntilWoken() -> Bool { mailbox.sleepsIfEmpty(unless: !resuming.isEmpty) }

  /// An event came for `connection`.
  func takeUp(_ connection: Connection) {
    takePermit()
    readClock()
    eventCount &+= 1
    if unsent.isDue(at: now) { flushUnsent() }
    busyPoll.served(ObjectIdentifier(connection))
  }

  /// Has `connection` flushed at the end of this turn; false if it has to be now.
  func flushSoon(_ connection: Connection) -> Bool {
    if isBusy, unsent.add(connection, now: now) { return true }
    flushUnsent()
    return false
  }

  /// Sends what waits for the end of the turn.
  func flushUnsent() {
    while let connection = unsent.next() { connection.flush() }
  }

  private func runPosted() {
    mailbox.take(into: &taken)
    guard !taken.isEmpty else { return }
    takePermit()
    readClock()
    eventCount &+= taken.count
    for action in taken { action() }
    taken.removeAll(keepingCapacity: true)
  }

  private func resumeConnections() {
    guard !resuming.isEmpty else { return }
    let waiting = resuming
    resuming.removeAll(keepingCapacity: true)
    takePermit()
    readClock()
    for connection in waiting { connection.drive() }
  }

  private func takePermit() {
    if permit == nil { permit = context.configuration.permits?.take() }
  }

  private func givePermit() {
    guard let taken = permit.take() else { return }
    context.configuration.permits?.give(taken)
  }

  func resumeSoon(_ connection: Connection) { resuming.append(connection) }

  func readClock() { now = context.clock.now() }

  // MARK: Exchanges

  /// An exchange that nobody holds any more, or a new one.
  func takeExchange() -> Exchange {
    if var exchange = exchanges.popLast(), isKnownUniquelyReferenced(&exchange) { return exchange }
    return Exchange(loop: self)
  }

  func give(_ exchange: Exchange) {
    if exchanges.count < 256 { exchanges.append(exchange) }
  }

  // MARK: Connections

  /// Takes over an accepted socket that `ConnectionLimits` and `expectConnection` have counted.
  func adopt(descriptor: Int32, address: SocketAddress, isSecure: Bool) {
    readClock()
    guard let transport = context.transport(over: descriptor, isSecure: isSecure) else {
      close(descriptor)
      uncount(address)
      return
    }
    let connection = Connection(loop: self, transport: transport, address: address)
    guard !hasStopped, let base, connection.watch(base) else {
      transport.close()
      uncount(address)
      return
    }
    connection.slot = connections.count
    connections.append(connection)
    context.events.connectionOpened?()
    if isStopping { connection.awaitOneRequest() }
    startTicking()
  }

  /// Forgets a connection that has closed.
  func remove(_ connection: Connection) {
    let last = connections.removeLast()
    if last !== connection {
      connections[connection.slot] = last
      last.slot = connection.slot
    }
    uncount(connection.address)
    context.events.connectionClosed?()
    stopIfDone()
  }

  /// Takes back what `ConnectionLimits` and `expectConnection` have counted.
  func uncount(_ address: SocketAddress) {
    openConnections.subtract(1, ordering: .relaxed)
    context.limits.release(address)
  }

  /// Makes sure that `tick` looks at a connection once `deadline` has passed.
  func note(deadline: Int64) { earliestDeadline = min(earliestDeadline, deadline) }

  private func startTicking() {
    guard !isTicking, let tickEvent else { return }
    isTicking = true
    var period = timeval(tv_sec: 0, tv_usec: context.configuration.tickMicroseconds)
    event_add(tickEvent, &period)
  }

  private func tick() {
    readClock()
    for listener in listeners { listener.resume() }
    if now >= earliestDeadline { checkDeadlines() }
    if now >= listenersCloseAt { closeListeners() }
    if now >= stopDeadline { closeAll() }
    if now >= nextTrim { trimPools() }
    if !needsTicks, let tickEvent {
      event_del(tickEvent)
      isTicking = false
    }
  }

  private var needsTicks: Bool {
    !connections.isEmpty || isStopping || !blocks.isEmpty || !outputs.isEmpty
      || listeners.contains(where: \.isPaused)
  }

  /// How long the pools keep what nobody uses, in nanoseconds.
  private static let trimPeriod: Int64 = 10_000_000_000

  private func trimPools() {
    nextTrim = now + Self.trimPeriod
    blocks.trim()
    outputs.trim()
  }

  private func checkDeadlines() {
    earliestDeadline = .max
    // Backwards, since a connection that closes is replaced by the last one, which has been seen.
    for index in connections.indices.reversed() where index < connections.count {
      let connection = connections[index]
      if connection.deadline <= now { connection.deadlinePassed() }
      if connection.deadline != .max { note(deadline: connection.deadline) }
    }
  }

  // MARK: Listening, draining, stopping

  func listen(
    _ descriptor: Int32, isSecure: Bool, _ place: @escaping (EventLoop) -> EventLoop
  ) throws(HTTPServerError) {
    guard let base else { throw HTTPServerError("the event loop is not open") }
    let listener = Listener(descriptor: descriptor, isSecure: isSecure, loop: self, place: place)
    guard listener.watch(base) else { throw HTTPServerError("libevent refused to watch a listening socket") }
    listeners.append(listener)
  }

  /// A listener has no descriptors left and waits for the next tick.
  func listenerPaused() { startTicking() }

  func stopAccepting() {
    for listener in listeners { listener.close() }
    listeners = []
  }

  /// - Parameter closesIdle: whether connections that no request is on close now. Otherwise they stay for one
  ///   more request.
  func beginDrain(closesIdle: Bool) {
    isDraining = true
    if closesIdle { closeIdle() }
  }

  private func closeIdle() {
    flushUnsent()
    for index in connections.indices.reversed() where index < connections.count {
      connections[index].drainIfIdle()
    }
  }

  /// - Parameter grace: nanoseconds until `deadline`.
  func stop(by deadline: Int64, grace: Int64) {
    isStopping = true
    isDraining = true
    stopDeadline = min(stopDeadline, deadline)
    for listener in listeners { listener.refuseHandshakes() }
    let handshakeTime = min(Self.handshakeTime, grace / 10)
    listenersCloseAt = now + handshakeTime
    if handshakeTime == 0 { closeListeners() }
    closeIdle()
    if now >= stopDeadline { closeAll() }
    startTicking()
    stopIfDone()
  }

  /// Long enough for a handshake that has begun to end, wherever its client is, in nanoseconds.
  private static let handshakeTime: Int64 = 200_000_000

  private func closeListeners() {
    listenersCloseAt = .max
    stopAccepting()
    stopIfDone()
  }

  private func closeAll() {
    flushUnsent()
    while let connection = connections.last { connection.leave() }
    stopIfDone()
  }

  private func stopIfDone() {
    if isStopping, listeners.isEmpty, connections.isEmpty { hasStopped = true }
  }

  // MARK: Signals and timers

  /// Runs `action` every `period` nanoseconds until the loop ends; called before the thread starts.
  func every(_ period: Int64, _ action: @escaping () -> Void) {
    guard let base else { return }
    periodic.append(PeriodicEvent(base: base, period: period, action: action))
  }

  /// Tells `report` every second how late the loop is; called before the thread starts.
  func measureLag(_ report: @escaping (Int64) -> Void) {
    let period: Int64 = 1_000_000_000
    let clock = context.clock
    var expected = clock.now() + period
    every(period) {
      let now = clock.now()
      report(max(0, now - expected))
      expected = now + period
    }
  }

  func watchSignal(_ number: Int32, _ action: @escaping @Sendable (Int32) -> Void) {
    guard let base else { return }
    signals.append(SignalEvent(base: base, number: number, action: action))
  }
}

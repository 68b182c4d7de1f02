import Bytes
import CEvent
import Glibc
import Telemetry

/// One client: reads requests, one at a time, hands them over, and writes their answers in order.
///
/// While a request is being handled nothing is read, so the memory of the request stays as it is, and a
/// client that sends ahead is held back by its own socket. The descriptor is watched edge-triggered for
/// both directions once and for all: no system call re-arms it.
///
/// An idle connection holds neither buffers nor an exchange. They come from the loop when bytes come.
///
/// Confined to its loop's thread. Only its end may come on another, if a handler lets go of an
/// abandoned exchange there.
final class Connection {
  enum Phase {
    /// Waits for a request or is in the middle of a head.
    case head
    case body
    /// A handler has the request.
    case handling
    /// The last answer is being written; the connection closes after it.
    case flushing
    /// Everything is written; what the client still sends is dropped for a while.
    case lingering
    case closed
  }

  /// The most that one connection reads before others get their turn, in bytes.
  private static let bytesPerTurn = 1_048_576

  /// It closes its connections before it ends, and a handler's exchange, which may outlive them, keeps it.
  unowned(unsafe) let loop: EventLoop
  let context: ServerContext
  let transport: any Transport
  let address: SocketAddress
  /// Its place among the connections of the loop.
  var slot = 0
  private(set) var requestCount = 0

  var phase = Phase.head
  var exchange: Exchange?
  var input = InputBuffer()
  var body = BodyReader()
  var output: ByteBuffer?
  /// How much of `output` is written.
  var sent = 0
  /// What is sent after `output`.
  var tail = ResponseTail()
  /// The current answer is the last.
  var closesAfter = false
  /// Bytes of the client are unread: a plain close would reset the connection under the answer.
  var mustLinger = false

  private var event: OpaquePointer?
  /// The socket may have something to read.
  var isReadable = false
  /// A read gave less than was asked for. Nothing more is there, but for a reset, which shows only in the next
  /// read: it is made if a request is not whole, since no write would find out.
  private var isProbablyEmpty = false
  /// The transport has not begun its conversation: nothing can be read or written.
  var isHandshaking: Bool
  /// The last read ended because the socket took no more bytes.
  var readAwaitsWritable = false
  /// The client has closed its sending side, or more: only a read of nothing means empty now.
  private(set) var peerClosed = false
  private var isDriving = false
  var stream = StreamState()
  /// The bytes that are here do not make a whole head.
  var isHeadIncomplete = false
  /// The next bytes go straight into the body.
  var readsDirectly = false
  var readDeadline = Int64.max
  var writeDeadline = Int64.max
  /// When the client did not take all that was written, and what it has taken since.
  private var behindSince: Int64 = 0
  private var takenSince = 0

  init(loop: EventLoop, transport: any Transport, address: SocketAddress) {
    self.loop = loop
    context = loop.context
    self.transport = transport
    self.address = address
    isHandshaking = transport.needsHandshake
    setReadDeadline(
      after: isHandshaking ? context.configuration.headTime : context.configuration.idleTime)
  }

  deinit {
    if let block = input.block { BlockPool.release(block) }
    if body.abandonBlock() { context.limits.giveBodyBytes(body.counted) }
  }

  var isClosed: Bool { phase == .closed }
  var backlog: Int { (output?.count ?? 0) - sent + tail.count }
  var deadline: Int64 { min(readDeadline, writeDeadline) }
  /// The first byte of the request.
  var requestBase: UnsafePointer<UInt8>? { input.base.map { UnsafePointer($0) } }

  // MARK: Events

  func watch(_ base: OpaquePointer) -> Bool {
    event = event_new(
      base, transport.descriptor, Int16(EV_READ | EV_WRITE | EV_CLOSED | EV_ET | EV_PERSIST),
      { _, what, own in
        guard let own else { return }
        Unmanaged<Connection>.fromOpaque(own).takeUnretainedValue().eventCame(what)
      }, Unmanaged.passUnretained(self).toOpaque())
    guard let event else { return false }
    if event_add(event, nil) == 0 { return true }
    event_free(event)
    self.event = nil
    return false
  }

  private func eventCame(_ what: Int16) {
    loop.takeUp(self)
    let kinds = Int32(what)
    if kinds & EV_CLOSED != 0 { peerClosed = true }
    if kinds & (EV_READ | EV_CLOSED) != 0 {
      isReadable = true
      isProbablyEmpty = false
    }
    if readAwaitsWritable, kinds & EV_WRITE != 0 {
      readAwaitsWritable = false
      isReadable = true
      isProbablyEmpty = false
    }
    if phase == .handling, kinds & (EV_READ | EV_CLOSED) != 0 { checkWhetherClientLeft() }
    if backlog > 0, phase != .closed { flush() }
    drive()
  }

  /// The backlog for which a chunk was refused has gone out, whichever event let it.
  private func streamDrained() {
    stream.isHeldBack = false
    guard phase == .handling, let exchange, exchange.state == .streaming else { return }
    exchange.onDrained?()
  }

  /// Tells a connection that is gone from one whose client only sends no more.
  private func checkWhetherClientLeft() {
    var poll = pollfd(fd: transport.descriptor, events: Int16(swerve_POLLRDHUP), revents: 0)
    guard Glibc.poll(&poll, 1, 0) > 0 else { return }
    if poll.revents & Int16(POLLERR | POLLHUP) != 0 {
      leave()
    } else if poll.revents & Int16(swerve_POLLRDHUP) != 0, readDeadline == .max {
      setReadDeadline(after: context.configuration.halfCloseTime)
    }
  }

  /// Does all that can be done now: reads, hands over, and writes what has been answered.
  func drive() {
    guard !isDriving else { return }
    isDriving = true
    var budget = Self.bytesPerTurn
    var wasHeldBack = false
    repeat {
      while step(&budget) {}
      wasHeldBack = phase == .head && isHeldBack
      if backlog > 0, !mayFlushSoon || !loop.flushSoon(self) { flush() }
    } while wasHeldBack && !isHeldBack && phase == .head
    isDriving = false
    if phase == .flushing, backlog == 0 { finishWriting() }
    if stream.isHeldBack, backlog == 0 { streamDrained() }
  }

  /// Whether the answers that are written may wait for those to other clients.
  private var mayFlushSoon: Bool {
    phase == .head && exchange == nil && writeDeadline == .max && !isHeldBack
      && backlog <= FlushList.mostBytes
  }

  /// The client takes its answers too slowly for another request to be begun.
  private var isHeldBack: Bool { backlog > context.configuration.backlogBytes || tail.count > 0 }

  /// Takes one step; false if it has to wait.
  private func step(_ budget: inout Int) -> Bool {
    switch phase {
    case .head:
      guard !isHeldBack else { return false }
      return readHead() || receive(&budget)
    case .body: return readBody() || receive(&budget)
    case .lingering: return receive(&budget)
    case .handling, .flushing, .closed: return false
    }
  }

  /// Reads once, to where the bytes belong; false if there is nothing or the turn is over.
  private func receive(_ budget: inout Int) -> Bool {
    guard isReadable, phase != .closed else { return false }
    if isProbablyEmpty, phase == .head, input.count == 0 {
      isReadable = false
      return false
    }
    guard budget > 0 else {
      loop.resumeSoon(self)
      return false
    }
    if isHandshaking, !shakeHands() { return false }
    guard let room = roomToReceive() else { return false }
    switch transport.read(into: room.baseAddress.unsafelyUnwrapped, count: room.count) {
    case .moved(let count):
      budget -= count
      isProbablyEmpty = count < room.count && transport.shortReadMeansEmpty && !peerClosed
      received(count)
      return true
    case .wouldBlock:
      isReadable = false
      releaseIdleInput()
      return false
    case .awaitsWritable:
      isReadable = false
      readAwaitsWritable = true
      return false
    case .ended:
      isReadable = false
      clientEnded()
      return false
    case .failed:
      close()
      return false
    }
  }

  /// The client sends no more, and a request that is not whole stays so.
  private func clientEnded() {
    if backlog > 0 { flush() }
    if phase == .closed { return }
    if backlog > 0 {
      phase = .flushing
    } else {
      close()
    }
  }

  // MARK: Deadlines

  func setReadDeadline(after time: Int64) {
    readDeadline = Deadline.after(time, from: loop.now)
    loop.note(deadline: readDeadline)
  }

  /// The client does not take all that is written; it has to take some, and on average at a certain rate.
  func beginWriteDeadline() {
    behindSince = loop.now
    takenSince = 0
    writeDeadline = Deadline.after(context.configuration.writeStallTime, from: loop.now)
    loop.note(deadline: writeDeadline)
  }

  /// The client has taken `count` bytes of what it is behind with.
  func extendWriteDeadline(_ count: Int) {
    takenSince += count
    let earned = Deadline.time(for: takenSince, at: context.configuration.replyBytesPerSecond)
    let latest = Deadline.after(earned, from: behindSince)
    let stall = context.configuration.writeStallTime
    writeDeadline = min(Deadline.after(stall, from: loop.now), Deadline.after(stall, from: latest))
    loop.note(deadline: writeDeadline)
  }

  /// `deadline` is over.
  func deadlinePassed() {
    if writeDeadline <= loop.now {
      transport.discardUnsent()
      leave()
      return
    }
    switch phase {
    case .head:
      if exchange == nil {
        close()
      } else {
        refuse(ProtocolError(status: 408, message: "the head of the request took too long to come"))
      }
    case .body:
      let allowed = body.deadline(context.configuration)
      if allowed > loop.now {
        readDeadline = allowed
      } else {
        refuse(ProtocolError(status: 408, message: "the body of the request came too slowly"))
      }
    case .handling where exchange?.state == .streaming:
      // Whether the client is there shows when the stream is written.
      readDeadline = .max
    case .handling, .lingering: leave()
    case .flushing, .closed: readDeadline = .max
    }
    drive()
  }

  // MARK: The end

  /// The server drains: closes a connection that no request is on.
  func drainIfIdle() {
    guard phase == .head, exchange == nil, backlog == 0 else { return }
    // Its first request may be on its way.
    if requestCount == 0 { return awaitOneRequest() }
    // A request may lie unread in the socket; it is answered, as the last one.
    isReadable = true
    isProbablyEmpty = false
    drive()
    if phase == .head, exchange == nil, backlog == 0 { close() }
  }

  /// The server stops, and the client may still be sending its first request.
  func awaitOneRequest() {
    guard phase == .head, exchange == nil else { return }
    setReadDeadline(after: min(Self.lateRequestTime, context.configuration.idleTime))
  }

  /// How long a client may take to begin its first request while the server stops, in nanoseconds.
  private static let lateRequestTime: Int64 = 1_000_000_000

  /// Everything is written and the connection is to end.
  private func finishWriting() {
    guard mustLinger || (isReadable && !isProbablyEmpty) || input.count > 0 else { return close() }
    transport.finishWriting()
    phase = .lingering
    isReadable = true
    isProbablyEmpty = false
    releaseMemory()
    setReadDeadline(after: context.configuration.lingerTime)
    loop.resumeSoon(self)
  }

  /// The client is gone or has to go: the request it may have is abandoned.
  func leave() {
    guard phase != .closed else { return }
    let abandoned = phase == .handling ? exchange : nil
    close()
    guard let abandoned else { return }
    context.events.abandoned?()
    abandoned.abandon()
  }

  /// Closes the descriptor. The memory of a request that a handler has stays until it is answered.
  func close() {
    guard phase != .closed else { return }
    let isHandled = phase == .handling
    phase = .closed
    if let event { event_free(event) }
    event = nil
    transport.close()
    readDeadline = .max
    writeDeadline = .max
    if let output { loop.outputs.give(output) }
    output = nil
    sent = 0
    tail = ResponseTail()
    if isHandled {
      // The handler's reference keeps both until it answers or lets go.
      exchange = nil
      loop.requestsInFlight -= 1
    } else {
      if let exchange { recycle(exchange) }
      releaseMemory()
    }
    loop.remove(self)
  }

  func recycle(_ finished: Exchange) {
    finished.end()
    exchange = nil
    loop.give(finished)
  }

  func countRequest() { requestCount += 1 }
}

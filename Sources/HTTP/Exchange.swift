public import Bytes

/// One request and its response, on one event loop.
///
/// The handler gets an exchange on its loop's thread and answers it there, at once or later: a
/// worker that has the answer calls `loop.run { … }` and responds inside. Everything but `loop`,
/// `isAbandoned` and `run` belongs to the loop's thread.
///
/// Unchecked: loop-confined as said above.
public final class Exchange: @unchecked Sendable {
  public var method: Method { fatalError() }
  /// The path of the target, percent-decoded, without the query: `/v2/models/m/infer`.
  public var path: String { fatalError() }
  /// The query, raw, without `?`; empty if none.
  public var query: String { fatalError() }
  /// The first field of that name (case-insensitive), trimmed; nil if absent.
  public func header(_ name: StaticString) -> String? { fatalError() }
  /// The body, decoded from chunks; valid and unmoved until the exchange is answered.
  public var body: UnsafeMutableRawBufferPointer { fatalError() }
  public var loop: EventLoop { fatalError() }
  /// Nanoseconds (monotonic) when the first byte of the request was read.
  public var startedAt: Int64 { fatalError() }
  /// Called on the loop if the client leaves before the answer. At most once.
  public var onAbandon: (() -> Void)?
  public var isAbandoned: Bool { fatalError() }

  /// Answers the request: status line and headers are written first, then `body` writes straight
  /// into the connection's output buffer; Content-Length is patched in after. Exactly once.
  public func respond(
    status: Int, contentType: StaticString = "application/json", headers: [(StaticString, String)] = [],
    body: (ByteBuffer) -> Void
  ) { fatalError() }

  /// Begins a chunked response; `send` and `end` follow.
  public func beginStream(status: Int, contentType: StaticString, headers: [(StaticString, String)] = []) {
    fatalError()
  }
  /// Sends a chunk. False when the client has gone or its backlog is over the limit.
  public func send(_ body: (ByteBuffer) -> Void) -> Bool { fatalError() }
  public func endStream() { fatalError() }
}

/// A thread with a libevent base and the connections it owns.
public final class EventLoop: Sendable {
  /// Runs `action` on the loop's thread, soon. From any thread; wakes the loop only if it sleeps.
  public func run(_ action: @escaping @Sendable () -> Void) { fatalError() }
}

/// What the server does with a request whose body has come in whole.
public protocol ExchangeHandler: Sendable {
  func handle(_ exchange: Exchange)
}

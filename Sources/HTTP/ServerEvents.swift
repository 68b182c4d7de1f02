public import Telemetry

/// What a server tells its surroundings, for metrics and logs. All are called on loop threads and must not
/// block; what is nil costs nothing.
public struct ServerEvents: Sendable {
  /// A request that was answered or refused by a handler.
  public struct Answer: Sendable {
    public let method: Method
    public let status: Int
    /// The bytes of the request's body.
    public let requestBytes: Int
    /// The bytes of the response with its head.
    public let responseBytes: Int
    /// When the first byte of the request was read, by the server's clock, in nanoseconds.
    public let startedAt: Int64
  }

  /// A request that the protocol refused before a handler saw it, of which nothing else can be trusted.
  public struct RefusedRequest: Sendable {
    public let status: Int
    /// What the client was told.
    public let message: String
    /// The client's address and port.
    public let remoteAddress: String
  }

  public var connectionOpened: (@Sendable () -> Void)?
  public var connectionClosed: (@Sendable () -> Void)?
  /// A connection was turned away; the text names the limit.
  public var connectionRefused: (@Sendable (_ reason: StaticString) -> Void)?
  /// An answer has been written. All of the exchange may still be read, and nothing of it kept.
  public var answered: (@Sendable (Answer, Exchange) -> Void)?
  /// The protocol refused a request before a handler saw it.
  public var requestRefused: (@Sendable (RefusedRequest) -> Void)?
  /// A request is answered 503, since too many are in flight.
  public var requestTooMany: (@Sendable () -> Void)?
  /// A client left before its answer.
  public var abandoned: (@Sendable () -> Void)?
  /// How late an event loop came to what it does every second, in nanoseconds: what else it did, or the time for
  /// which it had no processor. Each loop tells it once a second.
  public var loopLagged: (@Sendable (Int64) -> Void)?
  public var log: (@Sendable (Log.Level, _ message: String, _ fields: [(String, String)]) -> Void)?

  public init() {}
}

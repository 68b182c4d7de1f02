public import Telemetry

/// Where a server listens.
public struct ListenAddress: Sendable, Equatable, CustomStringConvertible {
  enum Kind: Sendable, Equatable {
    case tcp(host: String, port: Int)
    case unix(path: String, mode: UInt32)
  }
  let kind: Kind

  /// An IPv4 or IPv6 address or a name, and a port; port 0 takes any free one. The host `::` listens on
  /// every address of both families.
  public static func tcp(host: String, port: Int) -> ListenAddress {
    ListenAddress(kind: .tcp(host: host, port: port))
  }

  /// A Unix-domain socket at `path` (at most 107 bytes), made with the permissions `mode`. A socket that
  /// is left over there from a server that is gone is replaced.
  public static func unix(path: String, mode: UInt32 = 0o660) -> ListenAddress {
    ListenAddress(kind: .unix(path: path, mode: mode))
  }

  /// `127.0.0.1:8080`, `[::1]:8080` or `unix:/run/swerve.sock`.
  public var description: String {
    switch kind {
    case .tcp(let host, let port): host.utf8.contains(0x3a) ? "[\(host)]:\(port)" : "\(host):\(port)"
    case .unix(let path, _): "unix:\(path)"
    }
  }
}

/// Everything that can be set on a server. Times are in nanoseconds, sizes in bytes.
public struct ServerConfiguration: Sendable {
  public var listeners: [ListenAddress]
  /// Event loops, each a thread; by default one for each processor the process may use.
  public var loopCount = ProcessLimits.current.processors
  /// How long a loop looks for the next request of the only client that is busy on it before it sleeps, in nanoseconds.
  public var busyPollTime: Int64 = 0
  /// What loops hold while they work, if threads take turns.
  public var permits: ProcessorPermits?
  /// Whether another process may listen on the same TCP ports at the same time, as when one version of a
  /// program takes over from another. Otherwise a port in use is an error.
  public var sharesPorts = false
  /// Set, TCP listeners speak TLS and nothing else.
  public var tls: TLSConfiguration?
  /// The value of the `Server` field of replies; none if empty.
  public var serverName = "swerve"

  /// The head of a request, from its first byte to the empty line; more is answered 431.
  public var headBytes = 65_536
  /// Header fields of a request; more is answered 431.
  public var fieldCount = 128
  /// The target of a request (path and query); more is answered 414.
  public var targetBytes = 16_384
  /// The body of a request, decoded from chunks, as it came and as it is unpacked; more is answered 413. A handler's `admit` can set
  /// another limit for a request.
  public var bodyBytes = 268_435_456
  /// Memory for the bodies of all requests together, small ones left out; a request that would exceed it is
  /// answered 503.
  public var bodyBytesInAll = 4_294_967_296
  /// Chunks of a chunked body; more is answered 413.
  public var chunkCount = 262_144

  /// Open connections; one more is answered 503 and closed.
  public var connections = 10_000
  /// Open connections from one IPv4 address, or one /64 of IPv6; nil sets no limit, since behind a proxy
  /// all come from one address. One more is answered 503 and closed.
  public var connectionsPerAddress: Int?
  /// Requests that handlers have and have not answered; one more is answered 503.
  public var requestsInFlight = 10_000

  /// From the first byte of a request to the end of its head; later is answered 408. A TLS handshake has
  /// the same time, and then is closed.
  public var headTime: Int64 = 10_000_000_000
  /// What a body may take beside the time that `bodyBytesPerSecond` gives for what has come; later is
  /// answered 408.
  public var bodyTime: Int64 = 10_000_000_000
  /// The slowest that a body may come on average, after `bodyTime`.
  public var bodyBytesPerSecond: Int64 = 1_024
  /// How long a connection may stay open between requests.
  public var idleTime: Int64 = 60_000_000_000
  /// How long a reply may wait for the client to take any of it; then the connection is closed.
  public var writeStallTime: Int64 = 30_000_000_000
  /// The slowest that a client may take replies on average, after `writeStallTime`: what waits for it is
  /// held in memory.
  public var replyBytesPerSecond: Int64 = 1_024
  /// How long a request is still worked on after the client has closed its sending side. Such a client may
  /// be waiting for its answer or may be gone, which TCP cannot tell before something is sent to it
  /// (docs/decisions/0006-half-closed-clients.md).
  public var halfCloseTime: Int64 = 30_000_000_000
  /// How long bytes are still read and dropped after a refusal, so that the client gets to read it.
  public var lingerTime: Int64 = 5_000_000_000

  /// Output that waits for the client. Above it no further request of the connection is begun, and
  /// `Exchange.send` takes no more.
  public var backlogBytes = 1_048_576
  /// Memory that each loop keeps for coming bodies and replies when it is not in use.
  public var keptBytesPerLoop = 67_108_864

  /// Responses of at least this size are packed if their `Accept-Encoding` asks for it and their content may
  /// become smaller; streams are not. Nil packs none.
  public var compressMinBytes: Int? = 1_024
  /// zlib's level for that, from 1 (fast) to 9 (small).
  public var compressLevel = 1

  /// The origins whose pages may use the server: `*` for any, else as browsers write them, such as
  /// `https://example.org:8443`. None by default: no response has CORS fields, and OPTIONS is the handler's.
  public var corsOrigins: [String] = []

  public init(listeners: [ListenAddress]) { self.listeners = listeners }

  var headLimits: RequestParser.Limits {
    RequestParser.Limits(headBytes: headBytes, fieldCount: fieldCount, targetBytes: targetBytes)
  }

  func chunkLimits(bodyBytes: Int) -> ChunkedDecoder.Limits {
    ChunkedDecoder.Limits(
      bodyBytes: bodyBytes, chunkCount: chunkCount, trailerBytes: headBytes, trailerCount: fieldCount)
  }

  /// How often a loop looks for deadlines that have passed: a quarter of the shortest, within reason.
  var tickMicroseconds: Int {
    let shortest = min(headTime, bodyTime, idleTime, writeStallTime, halfCloseTime, lingerTime)
    return Int(min(max(shortest / 4_000, 5_000), 250_000))
  }
}

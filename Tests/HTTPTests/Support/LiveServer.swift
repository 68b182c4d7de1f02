import Bytes
import Foundation
import Locks
import Synchronization

@testable import HTTP

/// A handler made of closures.
struct ClosureHandler: ExchangeHandler {
  let handleAction: @Sendable (Exchange) -> Void
  var admitAction: @Sendable (Exchange) -> Admission = { _ in .admit }

  func handle(_ exchange: Exchange) { handleAction(exchange) }
  func admit(_ exchange: Exchange) -> Admission { admitAction(exchange) }
}

/// A server on a free port of the loopback address, for as long as `run` runs, which gets the port.
func withServer(
  _ handle: @escaping @Sendable (Exchange) -> Void,
  admit: @escaping @Sendable (Exchange) -> Admission = { _ in .admit },
  events: ServerEvents = ServerEvents(),
  configure: (inout ServerConfiguration) -> Void = { _ in },
  run body: (HTTPServer, Int) throws -> Void
) throws {
  var configuration = ServerConfiguration(listeners: [.tcp(host: "127.0.0.1", port: 0)])
  configuration.loopCount = 2
  configure(&configuration)
  let handler = ClosureHandler(handleAction: handle, admitAction: admit)
  let server = HTTPServer(configuration: configuration, handler: handler, events: events)
  try server.start()
  defer {
    server.stop(grace: 0)
    server.join()
  }
  try body(server, server.port ?? 0)
}

/// Answers with what came: `METHOD path query length-of-body`, and then the body.
@Sendable func echo(_ exchange: Exchange) {
  let body = UnsafeRawBufferPointer(exchange.body)
  let line = "\(exchange.methodName) \(exchange.path) \(exchange.query) \(body.count)\n"
  exchange.respond(status: 200, contentType: "text/plain") { output in
    output.append(line)
    output.append(body)
  }
}

/// Exchanges that a test answers later.
final class Held: Sendable {
  private let exchanges = Lock<[Exchange]>([])

  func add(_ exchange: Exchange) { exchanges.withLock { $0.append(exchange) } }

  /// Waits until one is here and takes it.
  func take() throws -> Exchange {
    var taken: Exchange?
    try waitUntil {
      taken = exchanges.withLock { $0.isEmpty ? nil : $0.removeFirst() }
      return taken != nil
    }
    guard let taken else { throw ClientError(description: "no exchange came") }
    return taken
  }
}

/// Answers on the exchange's loop.
func answer(_ exchange: Exchange, status: Int = 200, _ text: String) {
  exchange.loop.run { exchange.respond(status: status) { $0.append(text) } }
}

/// Waits for what another thread will do, 10 s at most.
func waitUntil(_ condition: () -> Bool) throws {
  for _ in 0..<10_000 {
    if condition() { return }
    usleep(1_000)
  }
  throw ClientError(description: "waited 10 s in vain")
}

/// A count that any thread may raise.
final class Tally: Sendable {
  private let storage = Atomic<Int>(0)
  var value: Int { storage.load(ordering: .acquiring) }
  func add(_ count: Int = 1) { storage.add(count, ordering: .acquiringAndReleasing) }
}

func milliseconds(_ count: Int64) -> Int64 { count * 1_000_000 }

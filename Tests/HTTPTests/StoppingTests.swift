import Bytes
import Foundation
import HTTP
import Testing

private let get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"

/// What a client, or the proxy in front of it, sees while a server goes away.
@Suite struct StoppingTests {
  @Test func whileItDrainsAnIdleConnectionHasOneMoreRequest() throws {
    try withServer(echo) { server, port in
      let idle = try Client(port: port)
      #expect(try idle.exchange("GET", "/").headers["connection"] == nil)
      let done = Tally()
      for loop in server.loops {
        server.beginDrain(closesIdle: false)
        loop.run { done.add() }
      }
      try waitUntil { done.value == server.loops.count }
      #expect(try idle.exchange("GET", "/last").headers["connection"] == "close")
      #expect(try idle.isAtEnd())
      let late = try Client(port: port).exchange("GET", "/late")
      #expect(late.text == "GET /late  0\n" && late.headers["connection"] == "close")
    }
  }

  /// Connections in the queue of a listening socket, which a plain close would reset.
  @Test func clientsThatHaveConnectedAreServedThoughTheServerStops() throws {
    let body: (HTTPServer, Int) throws -> Void = { server, port in
      let release = Tally()
      let isHeld = Tally()
      server.loops[0].run {
        isHeld.add()
        while release.value == 0 { usleep(100) }
      }
      try waitUntil { isHeld.value == 1 }
      let clients = try (0..<20).map { _ in try Client(port: port) }
      server.stop(grace: milliseconds(5_000))
      for client in clients { try client.send(get) }
      release.add()
      for client in clients { #expect(try client.takeResponse().headers["connection"] == "close") }
      server.join()
    }
    try withServer(echo, configure: { $0.loopCount = 1 }, run: body)
  }

  @Test func aClientThatConnectsAndSaysNothingDoesNotHoldUpAStop() throws {
    try withServer(echo) { server, port in
      let silent = try Client(port: port)
      try waitUntil { server.connectionCount == 1 }
      server.stop(grace: milliseconds(60_000))
      server.join()
      #expect(try silent.isAtEnd())
    }
  }

  @Test func aStreamEndsBeforeTheServerDoes() throws {
    let held = Held()
    let begin: @Sendable (Exchange) -> Void = { exchange in
      exchange.beginStream(status: 200, contentType: "text/plain")
      held.add(exchange)
    }
    try withServer(begin) { server, port in
      let client = try Client(port: port)
      try client.send(get)
      #expect(try client.takeHead().status == 200)
      let exchange = try held.take()
      server.stop(grace: milliseconds(60_000))
      for piece in ["one", "two"] {
        usleep(20_000)
        exchange.loop.run { #expect(exchange.send { $0.append(piece) }) }
      }
      let end = ContinuousClock.now
      exchange.loop.run { exchange.endStream() }
      server.join()
      #expect(ContinuousClock.now - end < .seconds(30), "the client's open connection holds the end up")
      var text = ""
      while let chunk = try client.takeChunk() { text += String(decoding: chunk, as: UTF8.self) }
      #expect(text == "onetwo")
    }
  }

  @Test func urgentRequestsAreHandledThoughTooManyAreInFlight() throws {
    let held = Held()
    let handler = UrgentHandler(held: held)
    var configuration = ServerConfiguration(listeners: [.tcp(host: "127.0.0.1", port: 0)])
    configuration.loopCount = 1
    configuration.requestsInFlight = 1
    let server = HTTPServer(configuration: configuration, handler: handler)
    try server.start()
    defer {
      server.stop(grace: 0)
      server.join()
    }
    let port = server.port ?? 0
    let first = try Client(port: port)
    try first.send(get)
    let exchange = try held.take()
    #expect(try Client.exchangeOnce(port: port, "GET", "/").status == 503)
    #expect(try Client.exchangeOnce(port: port, "GET", "/urgent").status == 200)
    answer(exchange, "held")
    #expect(try first.takeResponse().text == "held")
  }
}

private struct UrgentHandler: ExchangeHandler {
  let held: Held

  func handle(_ exchange: Exchange) { exchange.path == "/urgent" ? echo(exchange) : held.add(exchange) }
  func isUrgent(_ exchange: Exchange) -> Bool { exchange.path == "/urgent" }
}

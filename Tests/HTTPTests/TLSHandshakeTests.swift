import Foundation
import HTTP
import Testing

@Suite(
  .enabled(if: Certificates.canBeMade, "the openssl command, which makes the certificates, is not installed"))
struct TLSHandshakeTests {
  @Test func aHandshakeThatTakesTooLongIsClosed() throws {
    try withTLSServer(
      configure: { $0.headTime = milliseconds(200) },
      run: { server, port, _ in
        let silent = try Client(port: port)
        let slow = try Client(port: port)
        try slow.send([0x16, 3, 1, 2, 0, 1])
        let sender = Thread {
          for _ in 0..<500 {
            guard (try? slow.send([0])) != nil else { return }
            usleep(10_000)
          }
        }
        sender.start()
        #expect(try silent.isAtEnd())
        #expect((try? slow.isAtEnd()) != false)
        try waitUntil { server.connectionCount == 0 }
      })
  }

  @Test func theTimeOfAHandshakeDoesNotBoundTheIdleTime() throws {
    try withTLSServer(
      configure: { $0.headTime = milliseconds(200) },
      run: { _, port, certificates in
        let client = try Client(port: port, tls: .init(authority: certificates.authority))
        usleep(500_000)
        #expect(try client.exchange("GET", "/").status == 200)
      })
  }

  @Test func garbageEndsItsConnectionAndNothingElse() throws {
    try withTLSServer(
      configure: { $0.headTime = milliseconds(500) },
      run: { server, port, certificates in
        var generator = SeededGenerator("garbageEndsItsConnectionAndNothingElse")
        let good = try Client(port: port, tls: .init(authority: certificates.authority))
        for round in 0..<200 {
          let client = try Client(port: port)
          let length = Int.random(in: 1...600, using: &generator)
          var bytes = (0..<length).map { _ in UInt8.random(in: 0...255, using: &generator) }
          // Half of them look like the record of a ClientHello from outside.
          if round % 2 == 0 {
            bytes = [0x16, 3, 1, UInt8(length >> 8), UInt8(length & 255), 1, 0] + bytes
          }
          try? client.send(bytes)
          if round % 3 == 0 { client.reset() } else { client.finishSending() }
        }
        try waitUntil { server.connectionCount == 1 }
        #expect(try good.exchange("GET", "/").status == 200)
      })
  }

  @Test func garbageAfterTheHandshakeEndsTheConnection() throws {
    let ended = Tally()
    var events = ServerEvents()
    events.connectionClosed = { ended.add() }
    try withTLSServer(
      events: events,
      run: { server, port, certificates in
        let client = try Client(port: port, tls: .init(authority: certificates.authority))
        #expect(try client.exchange("GET", "/").status == 200)
        try client.sendRaw(Array("GET / HTTP/1.1\r\nHost: a\r\n\r\n".utf8))
        #expect(throws: ClientError.self) { try client.takeResponse() }
        try waitUntil { ended.value == 1 && server.connectionCount == 0 }
      })
  }

  @Test func aClientThatLeavesDuringItsRequestIsNoticed() throws {
    let held = Held()
    let abandoned = Tally()
    var events = ServerEvents()
    events.abandoned = { abandoned.add() }
    try withTLSServer(
      { held.add($0) }, events: events,
      run: { server, port, certificates in
        let client = try Client(port: port, tls: .init(authority: certificates.authority))
        try client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        let exchange = try held.take()
        client.reset()
        try waitUntil { abandoned.value == 1 && server.connectionCount == 0 }
        answer(exchange, "late")
      })
  }
}

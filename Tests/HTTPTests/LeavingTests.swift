import Bytes
import Foundation
import HTTP
import Testing

private func request(_ path: String) -> String { "GET \(path) HTTP/1.1\r\nHost: a\r\n\r\n" }

@Test func aResetAbandonsTheExchange() throws {
  let held = Held()
  let abandoned = Tally()
  let counted = Tally()
  var events = ServerEvents()
  events.abandoned = { counted.add() }
  try withServer(
    { exchange in
      exchange.onAbandon = { abandoned.add() }
      held.add(exchange)
    }, events: events,
    run: { server, port in
      let client = try Client(port: port)
      try client.send(
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 20000\r\n\r\n" + String(repeating: "x", count: 20_000))
      let exchange = try held.take()
      client.reset()
      try waitUntil { abandoned.value == 1 }
      #expect(exchange.isAbandoned)
      #expect(counted.value == 1)
      try waitUntil { server.connectionCount == 0 }
      // The body is still there, and the answer goes nowhere.
      let done = Tally()
      exchange.loop.run {
        #expect(exchange.body.count == 20_000)
        #expect(exchange.body.allSatisfy { $0 == 0x78 })
        exchange.respond(status: 200) { _ in Issue.record("the body of an abandoned answer was asked for") }
        done.add()
      }
      try waitUntil { done.value == 1 }
      #expect(abandoned.value == 1)
    })
}

@Test func anExchangeMayBeLetGoOfUnanswered() throws {
  let held = Held()
  try withServer(
    { exchange in
      if exchange.path == "/hold" { held.add(exchange) } else { echo(exchange) }
    },
    run: { server, port in
      for _ in 0..<20 {
        let client = try Client(port: port)
        try client.send(request("/hold"))
        let exchange = try held.take()
        client.reset()
        try waitUntil { exchange.isAbandoned }
      }
      try waitUntil { server.connectionCount == 0 }
      #expect(try Client.exchangeOnce(port: port, "GET", "/x").text == "GET /x  0\n")
    })
}

@Test func aClientThatOnlyStopsSendingGetsItsAnswers() throws {
  let held = Held()
  try withServer(
    { exchange in
      if exchange.path == "/hold" { held.add(exchange) } else { echo(exchange) }
    },
    run: { _, port in
      let client = try Client(port: port)
      try client.send(request("/a") + request("/hold") + request("/b"))
      client.finishSending()
      #expect(try client.takeResponse().text == "GET /a  0\n")
      let exchange = try held.take()
      usleep(50_000)
      #expect(!exchange.isAbandoned)
      answer(exchange, "held")
      #expect(try client.takeResponse().text == "held")
      #expect(try client.takeResponse().text == "GET /b  0\n")
      #expect(try client.isAtEnd())
    })
}

@Test func aHalfClosedRequestIsGivenUpInTheEnd() throws {
  let held = Held()
  try withServer(
    { held.add($0) }, configure: { $0.halfCloseTime = milliseconds(100) },
    run: { _, port in
      let before = try Client(port: port)
      try before.send(request("/"))
      let first = try held.take()
      before.close()
      try waitUntil { first.isAbandoned }
      let together = try Client(port: port)
      try together.send(request("/"))
      together.finishSending()
      let second = try held.take()
      try waitUntil { second.isAbandoned }
    })
}

@Test func aUnixSocketTellsThatItsClientLeft() throws {
  let path = NSTemporaryDirectory() + "swerve-leaving-\(getpid()).sock"
  let held = Held()
  try withServer(
    { held.add($0) }, configure: { $0.listeners = [.unix(path: path)] },
    run: { _, _ in
      let leaving = try Client(path: path)
      try leaving.send(request("/"))
      let abandoned = try held.take()
      leaving.close()
      // Long before `halfCloseTime`: `waitUntil` waits for less.
      try waitUntil { abandoned.isAbandoned }
      let waiting = try Client(path: path)
      try waiting.send(request("/"))
      waiting.finishSending()
      let exchange = try held.take()
      usleep(50_000)
      #expect(!exchange.isAbandoned)
      answer(exchange, "held")
      #expect(try waiting.takeResponse().text == "held")
    })
}

@Test func aStreamLearnsThatItsClientLeft() throws {
  let held = Held()
  let abandoned = Tally()
  try withServer(
    { exchange in
      exchange.onAbandon = { abandoned.add() }
      exchange.beginStream(status: 200, contentType: "text/plain")
      held.add(exchange)
    },
    run: { _, port in
      let client = try Client(port: port)
      try client.send(request("/"))
      #expect(try client.takeHead().status == 200)
      let exchange = try held.take()
      client.close()
      let refused = Tally()
      try waitUntil {
        exchange.loop.run { if !exchange.send({ $0.append("more") }) { refused.add() } }
        return refused.value > 0
      }
      #expect(exchange.isAbandoned)
      #expect(abandoned.value == 1)
      exchange.loop.run { exchange.endStream() }
    })
}

@Test func aResetBehindHalfARequestIsNoticed() throws {
  try withServer(
    echo,
    configure: {
      $0.headTime = milliseconds(60_000)
      $0.bodyTime = milliseconds(60_000)
    },
    run: { server, port in
      for text in [
        "GET / HT", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 30000\r\n\r\nabc",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
      ] {
        // The loop is kept busy, so that it finds bytes and reset together.
        let release = Tally()
        let isHeld = Tally()
        let client = try Client(port: port)
        try waitUntil { server.connectionCount == 1 }
        for loop in server.loops {
          loop.run {
            isHeld.add()
            while release.value == 0 { usleep(100) }
          }
        }
        try waitUntil { isHeld.value == server.loops.count }
        try client.send(text)
        client.reset()
        release.add()
        try waitUntil { server.connectionCount == 0 }
      }
    })
}

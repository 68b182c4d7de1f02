import Bytes
import Foundation
import HTTP
import Testing

@Test func aHeadThatTakesTooLongIsRefused() throws {
  try withServer(
    echo, configure: { $0.headTime = milliseconds(150) },
    run: { _, port in
      let client = try Client(port: port)
      try client.send("GET / HTTP/1.1\r\nHo")
      let response = try client.takeResponse()
      #expect(response.status == 408)
      #expect(response.text == #"{"error":"the head of the request took too long to come"}"#)
    })
}

@Test func aHeadTimeIsNotRenewedByEachByte() throws {
  try withServer(
    echo, configure: { $0.headTime = milliseconds(200) },
    run: { _, port in
      let client = try Client(port: port)
      try client.send("GET / HTTP/1.1\r\nX: ")
      let sender = Thread {
        for _ in 0..<500 {
          guard (try? client.send("y")) != nil else { return }
          usleep(10_000)
        }
      }
      sender.start()
      #expect(try client.takeResponse().status == 408)
    })
}

@Test func aBodyThatComesTooSlowlyIsRefused() throws {
  try withServer(
    echo,
    configure: {
      $0.bodyTime = milliseconds(150)
      $0.bodyBytesPerSecond = 1_000_000
    },
    run: { _, port in
      let client = try Client(port: port)
      try client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nxxx")
      #expect(try client.takeResponse().status == 408)
      let chunked = try Client(port: port)
      try chunked.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nxx")
      #expect(try chunked.takeResponse().status == 408)
    })
}

@Test func aBodyAtTheLowestRateIsTaken() throws {
  try withServer(
    echo,
    configure: {
      $0.bodyTime = milliseconds(100)
      $0.bodyBytesPerSecond = 100
    },
    run: { _, port in
      let client = try Client(port: port)
      try client.send(
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 400\r\n\r\n" + String(repeating: "x", count: 200))
      usleep(400_000)
      try client.send(String(repeating: "x", count: 200))
      #expect(try client.takeResponse().status == 200, "200 bytes had earned two seconds")
    })
}

@Test func idleConnectionsAreClosed() throws {
  try withServer(
    echo, configure: { $0.idleTime = milliseconds(150) },
    run: { server, port in
      let silent = try Client(port: port)
      let client = try Client(port: port)
      #expect(try client.exchange("GET", "/").status == 200)
      #expect(try client.isAtEnd())
      #expect(try silent.isAtEnd())
      try waitUntil { server.connectionCount == 0 }
    })
}

@Test func aClientThatDoesNotReadIsClosed() throws {
  let abandoned = Tally()
  try withServer(
    { exchange in
      exchange.onAbandon = { abandoned.add() }
      exchange.beginStream(status: 200, contentType: "text/plain")
      while exchange.send({ $0.append(String(repeating: "x", count: 100_000)) }) {}
    }, configure: { $0.writeStallTime = milliseconds(150) },
    run: { server, port in
      let client = try Client(port: port, receiveBuffer: 8_192)
      try client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
      try waitUntil { abandoned.value == 1 }
      try waitUntil { server.connectionCount == 0 }
    })
}

@Test(arguments: [(1 << 40, 300, false), (1, 10_000, true)])
func aReplyHasToBeTakenAtACertainRate(rate: Int64, stall: Int64, isWhole: Bool) throws {
  let size = 30_000_000
  try withServer(
    { exchange in
      exchange.respond(status: 200) { output in
        memset(output.reserve(size), 0x78, size)
        output.advance(by: size)
      }
    },
    configure: {
      $0.replyBytesPerSecond = rate
      $0.writeStallTime = milliseconds(stall)
    },
    run: { server, port in
      let client = try Client(port: port, receiveBuffer: 8_192)
      try client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
      _ = try client.takeHead()
      // Always takes some, so that it never stalls.
      var taken = 0
      var failure: (any Error)?
      while taken < size, failure == nil {
        do { taken += try client.take(min(100_000, size - taken)).count } catch { failure = error }
        if !isWhole { usleep(5_000) }
      }
      #expect((taken == size) == isWhole)
      if isWhole { return }
      try waitUntil { server.connectionCount == 0 }
      // The kernel does not hold the rest for this client either.
      #expect("\(failure, default: "none")".contains("errno \(ECONNRESET)"))
    })
}

@Test func connectionsAreLimitedInAll() throws {
  let refused = Tally()
  var events = ServerEvents()
  events.connectionRefused = { _ in refused.add() }
  try withServer(
    echo, events: events, configure: { $0.connections = 3 },
    run: { server, port in
      let clients = try (0..<3).map { _ in try Client(port: port) }
      for client in clients { #expect(try client.exchange("GET", "/").status == 200) }
      let response = try Client(port: port).takeResponse()
      #expect(response.status == 503)
      #expect(response.headers["retry-after"] == "1")
      #expect(response.text.contains("too many connections"))
      #expect(refused.value == 1)
      clients[0].close()
      try waitUntil { server.connectionCount == 2 }
      #expect(try Client.exchangeOnce(port: port, "GET", "/").status == 200)
    })
}

@Test func connectionsAreLimitedByAddress() throws {
  try withServer(
    echo,
    configure: {
      $0.connectionsPerAddress = 2
      $0.listeners.append(.tcp(host: "::1", port: 0))
    },
    run: { server, port in
      let clients = try (0..<2).map { _ in try Client(port: port) }
      for client in clients { #expect(try client.exchange("GET", "/").status == 200) }
      #expect(try Client.takeResponseOnce(port: port).text.contains("from this address"))
      guard let other = server.addresses[1].description.split(separator: ":").last.flatMap({ Int($0) }) else {
        Issue.record("the second address has no port: \(server.addresses)")
        return
      }
      #expect(try Client.exchangeOnce(port: other, family: AF_INET6, "GET", "/").status == 200)
      clients[0].close()
      try waitUntil { server.connectionCount == 1 }
      #expect(try Client.exchangeOnce(port: port, "GET", "/").status == 200)
    })
}

@Test func requestsInFlightAreLimited() throws {
  let held = Held()
  try withServer(
    { held.add($0) },
    configure: {
      $0.loopCount = 1
      $0.requestsInFlight = 1
    },
    run: { _, port in
      let first = try Client(port: port)
      try first.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
      let exchange = try held.take()
      let second = try Client(port: port)
      let refused = try second.exchange("GET", "/")
      #expect(refused.status == 503)
      #expect(refused.headers["retry-after"] == "1")
      answer(exchange, "done")
      #expect(try first.takeResponse().text == "done")
      try second.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
      answer(try held.take(), "now")
      #expect(try second.takeResponse().text == "now")
    })
}

@Test func bodyMemoryIsLimitedInAll() throws {
  let held = Held()
  try withServer(
    { held.add($0) }, configure: { $0.bodyBytesInAll = 200_000 },
    run: { _, port in
      let first = try Client(port: port)
      try first.send(
        Array("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n".utf8)
          + Array(repeating: 1, count: 100_000))
      let exchange = try held.take()
      let second = try Client(port: port)
      try second.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 150000\r\n\r\n")
      try second.send(Array(repeating: 1, count: 100_000))
      #expect(try second.takeResponse().status == 503)
      answer(exchange, "done")
      #expect(try first.takeResponse().status == 200)
      let third = try Client(port: port)
      try third.send(
        Array("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n".utf8)
          + Array(repeating: 1, count: 100_000))
      answer(try held.take(), "done")
      #expect(try third.takeResponse().status == 200, "the memory was given back")
    })
}

@Test func headsAboveTheirLimitsAreRefused() throws {
  try withServer(
    echo,
    configure: {
      $0.headBytes = 40_000
      $0.fieldCount = 100
      $0.targetBytes = 1_000
    },
    run: { _, port in
      let large = try Client(port: port).exchange("GET", "/", ["X: " + String(repeating: "x", count: 39_000)])
      #expect(large.status == 200)
      let tooLarge = try Client(port: port).exchange(
        "GET", "/", ["X: " + String(repeating: "x", count: 41_000)])
      #expect(tooLarge.status == 431)
      #expect(
        try Client.exchangeOnce(port: port, "GET", "/", Array(repeating: "X: y", count: 100)).status == 431)
      #expect(
        try Client.exchangeOnce(port: port, "GET", "/" + String(repeating: "x", count: 1_000)).status == 414)
    })
}

@Test func garbageNeverHurtsTheServer() throws {
  var random = SeededGenerator("garbage")
  let pieces: [String] = [
    "GET ", "POST ", "/", " HTTP/1.1", "\r\n", "\r\n\r\n", "\n", "\r", "Host: a", "Content-Length: ", "5",
    "99999999999", "Transfer-Encoding: chunked", "0\r\n\r\n", "ffffffff\r\n", "Expect: 100-continue", ": ",
    " ", "\0",
    "%00", "?", "#", "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
  ]
  try withServer(
    echo,
    configure: {
      $0.headTime = milliseconds(200)
      $0.bodyTime = milliseconds(200)
      $0.lingerTime = milliseconds(200)
    },
    run: { server, port in
      for _ in 0..<300 {
        let client = try Client(port: port)
        var bytes: [UInt8] = []
        for _ in 0..<Int.random(in: 1...30, using: &random) {
          if Int.random(in: 0..<4, using: &random) == 0 {
            bytes += (0..<Int.random(in: 1...50, using: &random)).map { _ in
              UInt8.random(in: 0...255, using: &random)
            }
          } else {
            bytes += Array(pieces.randomElement(using: &random).unsafelyUnwrapped.utf8)
          }
        }
        try? client.send(bytes)
        switch Int.random(in: 0..<3, using: &random) {
        case 0: client.reset()
        case 1: client.finishSending()
        default: break
        }
      }
      #expect(try Client.exchangeOnce(port: port, "GET", "/alive").text == "GET /alive  0\n")
      try waitUntil { server.connectionCount == 0 }
    })
}

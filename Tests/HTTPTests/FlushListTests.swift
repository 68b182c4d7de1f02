import Bytes
import Foundation
import Testing

@testable import HTTP

/// A handler of the test's, which sleeps where the path says so, so that the requests of others gather meanwhile.
private let sleepy: @Sendable (Exchange) -> Void = { exchange in
  if exchange.path == "/sleep" { usleep(20_000) }
  echo(exchange)
}

/// Answers to many clients that ask while the loop is busy are sent together: all of them, in order, and the last
/// one of a connection before it closes.
@Test func answersOfABusyLoopAllGoOut() throws {
  try withServer(
    sleepy, configure: { $0.loopCount = 1 },
    run: { _, port in
      let clients = try (0..<80).map { _ in try Client(port: port) }
      for client in clients { _ = try client.exchange("GET", "/first") }
      for round in 0..<5 {
        try clients[0].send("GET /sleep HTTP/1.1\r\nHost: a\r\n\r\n")
        for (index, client) in clients.enumerated().dropFirst() {
          let close = round == 4 && index % 3 == 0 ? "Connection: close\r\n" : ""
          try client.send(
            "POST /\(round)-\(index) HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx"
              + "POST /then HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\(close)\r\ny")
        }
        for (index, client) in clients.enumerated() {
          let answer = try client.takeResponse()
          #expect(answer.text.hasPrefix(index == 0 ? "GET /sleep " : "POST /\(round)-\(index) "))
          guard index > 0 else { continue }
          #expect(try client.takeResponse().text.hasPrefix("POST /then "))
          if round == 4 && index % 3 == 0 { #expect(try client.isAtEnd()) }
        }
      }
    })
}

/// Where little may wait for a client, what it sent ahead goes on once the answers before are sent.
@Test func requestsSentAheadGoOnWhereAnswersAreHeldBack() throws {
  try withServer(
    sleepy,
    configure: {
      $0.loopCount = 1
      $0.backlogBytes = 1
    },
    run: { _, port in
      let clients = try (0..<8).map { _ in try Client(port: port) }
      for _ in 0..<3 {
        try clients[0].send("GET /sleep HTTP/1.1\r\nHost: a\r\n\r\n")
        let ask = "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx"
        for client in clients.dropFirst() { try client.send(String(repeating: ask, count: 20)) }
        #expect(try clients[0].takeResponse().status == 200)
        for client in clients.dropFirst() {
          for _ in 0..<20 { #expect(try client.takeResponse().status == 200) }
        }
      }
    })
}

@Test func aFlushListIsBoundedInCountAndTime() throws {
  try withServer(
    { exchange in
      guard let connection = exchange.connection else { return echo(exchange) }
      var list = FlushList()
      var added = 0
      while list.add(connection, now: 1_000), added < 1_000 { added += 1 }
      let isEarly = list.isDue(at: 300_000)
      let isLate = list.isDue(at: 500_000)
      var taken = 0
      while list.next() != nil { taken += 1 }
      let isEmpty = list.add(connection, now: 1_000_000) && !list.isDue(at: 1_100_000)
      exchange.respond(status: 200) { $0.append("\(added) \(isEarly) \(isLate) \(taken) \(isEmpty)") }
    },
    run: { _, port in
      let response = try Client(port: port).exchange("GET", "/")
      #expect(response.text == "32 false true 32 true")
    })
}

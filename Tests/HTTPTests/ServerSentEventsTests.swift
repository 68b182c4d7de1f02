import Bytes
import Foundation
import HTTP
import Testing

private let request = "GET /events HTTP/1.1\r\nHost: a\r\n\r\n"

/// What a browser makes of a stream (HTML standard, section 9.2.6), slowly.
private struct EventReader {
  struct Event: Equatable {
    var name = "message"
    var data = ""
    var id = ""
  }

  private(set) var events: [Event] = []
  private(set) var comments: [String] = []

  init(_ text: String) {
    var event = Event()
    var lines: [String] = []
    let whole = text.replacingOccurrences(of: "\r\n", with: "\n").replacingOccurrences(of: "\r", with: "\n")
    for line in whole.components(separatedBy: "\n") {
      if line.isEmpty {
        event.data = lines.joined(separator: "\n")
        if !lines.isEmpty { events.append(event) }
        event = Event(id: event.id)
        lines = []
        continue
      }
      let colon = line.firstIndex(of: ":") ?? line.endIndex
      var value = line[colon...].dropFirst()
      if value.first == " " { value = value.dropFirst() }
      switch line[..<colon] {
      case "": comments.append(String(value))
      case "data": lines.append(String(value))
      case "event": event.name = String(value)
      case "id": event.id = String(value)
      default: break
      }
    }
  }
}

/// The text that a server sends for what `send` sends.
private func stream(_ send: @escaping @Sendable (ServerSentEvents) -> Void) throws -> Response {
  var response: Response?
  try withServer(
    { exchange in
      let events = ServerSentEvents(answering: exchange)
      send(events)
      events.end()
    },
    run: { _, port in response = try Client(port: port).exchange("GET", "/events") })
  return try #require(response)
}

@Test func eventsAreFramedAsTheStandardSays() throws {
  let response = try stream { events in
    #expect(events.send(data: "one"))
    #expect(events.send(event: "token", id: "7", data: "{\"text\":\"zwei\"}"))
    #expect(events.sendComment())
    #expect(events.sendRetry(milliseconds: 1_500))
    #expect(events.send { $0.append("three") })
    #expect(events.send(data: ""))
  }
  #expect(response.headers["content-type"] == "text/event-stream; charset=utf-8")
  #expect(response.headers["cache-control"] == "no-cache")
  #expect(response.headers["transfer-encoding"] == "chunked")
  #expect(
    response.text
      == "data: one\n\nevent: token\nid: 7\ndata: {\"text\":\"zwei\"}\n\n:\n\nretry: 1500\n\ndata: three\n\ndata: \n\n"
  )
}

@Test(arguments: [
  ("a\nb", "a\nb"), ("a\r\nb", "a\nb"), ("a\rb", "a\nb"), ("a\n\nb", "a\n\nb"), ("\n", "\n"), ("a\n", "a\n"),
  ("\r\r\n\n", "\n\n\n"), ("x\n\ndata: forged\n\n", "x\n\ndata: forged\n\n"),
  ("x\nevent: forged", "x\nevent: forged"),
  (":no comment", ":no comment"), (" led by a space", " led by a space"), ("ä\u{2028}ö", "ä\u{2028}ö"),
])
func dataCannotForgeEvents(data: String, received: String) throws {
  let response = try stream { events in
    _ = events.send(data: data)
    _ = events.send(data: "next")
  }
  let reader = EventReader(response.text)
  #expect(reader.events == [.init(data: received), .init(data: "next")])
  #expect(reader.comments.isEmpty)
}

@Test func namesIdsAndCommentsAreOneLine() throws {
  let response = try stream { events in
    _ = events.send(event: "a\ndata: x\r\rb", id: "1\n\n\02", data: "d")
    _ = events.sendComment("c\n\ndata: y\n\n")
  }
  let reader = EventReader(response.text)
  #expect(reader.events == [.init(name: "a data: x  b", data: "d", id: "1   2")])
  #expect(reader.comments == ["c  data: y  "])
}

@Test func eventsWaitForASlowClient() throws {
  let total = 3_000
  let text = String(repeating: "x", count: 5_000)
  let refusals = Tally()
  try withServer(
    { exchange in
      let events = ServerSentEvents(answering: exchange)
      // Confined to the loop, like the exchange that it belongs to.
      nonisolated(unsafe) var sent = 0
      @Sendable func pump() {
        while sent < total {
          guard events.send(id: "\(sent)", data: text) else {
            refusals.add()
            return
          }
          sent += 1
        }
        events.end()
      }
      exchange.onDrained = pump
      pump()
    }, configure: { $0.backlogBytes = 50_000 },
    run: { _, port in
      let client = try Client(port: port, receiveBuffer: 8_192)
      try client.send(request)
      try waitUntil { refusals.value > 0 }
      let reader = EventReader(try client.takeResponse().text)
      #expect(reader.events.map(\.id) == (0..<total).map(String.init))
      #expect(reader.events.allSatisfy { $0.data == text })
    })
}

@Test func aCommentTellsThatTheClientLeft() throws {
  let held = Held()
  let abandoned = Tally()
  try withServer(
    { exchange in
      exchange.onAbandon = { abandoned.add() }
      let events = ServerSentEvents(answering: exchange)
      #expect(events.send(data: "first"))
      held.add(exchange)
      // Sends until it is told that nobody listens.
      @Sendable func keepAlive() {
        guard events.sendComment() else { return }
        usleep(1_000)
        exchange.loop.run(keepAlive)
      }
      exchange.loop.run(keepAlive)
    },
    run: { server, port in
      let client = try Client(port: port)
      try client.send(request)
      #expect(try client.takeHead().status == 200)
      #expect(try client.takeChunk() == Array("data: first\n\n".utf8))
      client.close()
      try waitUntil { abandoned.value == 1 }
      #expect(try held.take().isAbandoned)
      try waitUntil { server.connectionCount == 0 }
    })
}

import Bytes
import Foundation
import Testing

@testable import HTTP

@Test func valuesCannotAddHeaders() throws {
  try withServer(
    { exchange in
      exchange.respond(status: 200, headers: [("X-Value", "a\r\nX-Evil: b\0c")]) { $0.append("{}") }
    },
    run: { _, port in
      let response = try Client(port: port).exchange("GET", "/")
      #expect(response.headers["x-value"] == "a  X-Evil: b c")
      #expect(response.headers["x-evil"] == nil)
      #expect(response.text == "{}")
    })
}

@Test func noContentHasNeitherBodyNorLength() throws {
  try withServer(
    { exchange in
      exchange.respond(status: 204, headers: [("Allow", "GET")]) { $0.append("dropped") }
    },
    run: { _, port in
      let client = try Client(port: port)
      let response = try client.exchange("GET", "/")
      #expect(response.status == 204)
      #expect(response.headers["content-length"] == nil)
      #expect(response.headers["content-type"] == nil)
      #expect(try client.exchange("GET", "/").status == 204, "no body came between")
    })
}

@Test(arguments: [0, 1, 9, 10, 99, 4_000, 4_095, 4_096, 4_097, 10_000, 3_000_000])
func lengthsFitTheirBodies(size: Int) throws {
  try withServer(
    { exchange in
      exchange.respond(status: 201) { output in
        memset(output.reserve(size), 0x78, size)
        output.advance(by: size)
      }
    },
    run: { _, port in
      let client = try Client(port: port)
      for _ in 0..<2 {
        let response = try client.exchange("GET", "/")
        #expect(response.status == 201)
        #expect(response.body == [UInt8](repeating: 0x78, count: size))
      }
    })
}

@Test func workersAnswerFromOtherThreads() throws {
  try withServer(
    { exchange in
      let worker = Thread { answer(exchange, "from elsewhere") }
      worker.start()
    },
    run: { _, port in
      let client = try Client(port: port)
      for _ in 0..<100 { #expect(try client.exchange("GET", "/").text == "from elsewhere") }
    })
}

@Test func streamsComeInChunks() throws {
  try withServer(
    { exchange in
      exchange.beginStream(status: 200, contentType: "text/event-stream")
      for index in 0..<3 { _ = exchange.send { $0.append("data: \(index)\n\n") } }
      #expect(exchange.send { _ in })
      exchange.endStream()
    },
    run: { _, port in
      let client = try Client(port: port)
      for _ in 0..<2 {
        let response = try client.exchange("GET", "/")
        #expect(response.headers["transfer-encoding"] == "chunked")
        #expect(response.headers["content-length"] == nil)
        #expect(response.text == "data: 0\n\ndata: 1\n\ndata: 2\n\n")
      }
      let head = try client.exchange("HEAD", "/")
      #expect(head.headers["transfer-encoding"] == "chunked")
      #expect(try client.exchange("GET", "/").status == 200)
      let old = try Client(port: port)
      try old.send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
      let response = try old.takeResponse()
      #expect(response.headers["transfer-encoding"] == nil)
      #expect(response.headers["connection"] == "close")
      #expect(response.text == "data: 0\n\ndata: 1\n\ndata: 2\n\n")
    })
}

@Test func chunksArriveAsTheyAreSent() throws {
  let held = Held()
  try withServer(
    { exchange in
      exchange.beginStream(status: 200, contentType: "text/plain")
      held.add(exchange)
    },
    run: { _, port in
      let client = try Client(port: port)
      try client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
      #expect(try client.takeHead().status == 200)
      let exchange = try held.take()
      for index in 0..<3 {
        exchange.loop.run { _ = exchange.send { $0.append("\(index)") } }
        #expect(try client.takeChunk() == Array("\(index)".utf8))
      }
      exchange.loop.run { exchange.endStream() }
      #expect(try client.takeChunk() == nil)
    })
}

@Test func streamsHoldBackForASlowClient() throws {
  let limit = 100_000
  let chunk = 50_000
  let refusals = Tally()
  let largest = Tally()
  let total = 400
  try withServer(
    { exchange in
      exchange.beginStream(status: 200, contentType: "application/octet-stream")
      // Confined to the loop, like the exchange that it belongs to.
      nonisolated(unsafe) var sent = 0
      @Sendable func pump() {
        while sent < total {
          let taken = exchange.send { output in
            memset(output.reserve(chunk), Int32(sent % 256), chunk)
            output.advance(by: chunk)
          }
          largest.add(max(0, exchange.backlog - largest.value))
          guard taken else {
            refusals.add()
            return
          }
          sent += 1
        }
        exchange.endStream()
      }
      exchange.onDrained = pump
      pump()
    }, configure: { $0.backlogBytes = limit },
    run: { _, port in
      let client = try Client(port: port, receiveBuffer: 8_192)
      try client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
      try waitUntil { refusals.value > 0 }
      let response = try client.takeResponse()
      #expect(response.body.count == total * chunk)
      #expect((0..<total).allSatisfy { response.body[$0 * chunk] == UInt8($0 % 256) })
      #expect(largest.value <= limit + chunk + 100, "the backlog has its limit and one chunk at most")
    })
}

@Test func pipeliningStopsWhileAnswersAreNotRead() throws {
  let handled = Tally()
  let size = 100_000
  try withServer(
    { exchange in
      handled.add()
      exchange.respond(status: 200) { output in
        memset(output.reserve(size), 0x61, size)
        output.advance(by: size)
      }
    }, configure: { $0.backlogBytes = 300_000 },
    run: { _, port in
      let client = try Client(port: port, receiveBuffer: 8_192)
      let count = 200
      try client.send(String(repeating: "GET / HTTP/1.1\r\nHost: a\r\n\r\n", count: count))
      try waitUntil { handled.value > 0 }
      usleep(200_000)
      #expect(handled.value < count, "requests are not begun while the backlog is over its limit")
      for _ in 0..<count { #expect(try client.takeResponse().body.count == size) }
      #expect(handled.value == count)
    })
}

/// A client that is not a socket: takes bytes only while `isOpen`, and no event says when that changes.
private final class GatedTransport: Transport {
  let descriptor: Int32 = -1
  let shortReadMeansEmpty = true
  let needsHandshake = false
  var incoming: [UInt8]
  var isOpen = false
  private(set) var taken = 0

  init(_ request: String) { incoming = Array(request.utf8) }

  func handshake() -> HandshakeResult { .complete }

  func read(into memory: UnsafeMutableRawPointer, count: Int) -> TransferResult {
    guard !incoming.isEmpty, count >= incoming.count else { return .wouldBlock }
    defer { incoming = [] }
    incoming.withUnsafeBytes { memory.copyMemory(from: $0.baseAddress!, byteCount: $0.count) }
    return .moved(incoming.count)
  }

  func write(_ memory: UnsafeRawPointer, count: Int) -> TransferResult {
    guard isOpen else { return .wouldBlock }
    taken += count
    return .moved(count)
  }

  func finishWriting() {}
  func close() {}
}

@Test func aHeldBackStreamGoesOnWhateverSentItsBacklog() throws {
  let drained = Tally()
  let done = Tally()
  try withServer(
    { exchange in
      exchange.beginStream(status: 200, contentType: "text/plain")
      exchange.onDrained = { drained.add() }
      while exchange.send({ $0.append("0123456789") }) {}
    }, configure: { $0.backlogBytes = 1_000 },
    run: { server, _ in
      let loop = server.loops[0]
      loop.run {
        let transport = GatedTransport("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        let connection = Connection(loop: loop, transport: transport, address: .unix)
        connection.isReadable = true
        connection.drive()
        #expect(connection.backlog > 1_000 && drained.value == 0)
        // As when a deadline or the read of another event has the connection look at its output.
        transport.isOpen = true
        connection.drive()
        #expect(connection.backlog == 0 && transport.taken > 1_000)
        #expect(drained.value == 1)
        connection.drive()
        #expect(drained.value == 1, "once for each time that it was held back")
        connection.exchange?.endStream()
        done.add()
      }
      try waitUntil { done.value == 1 }
    })
}

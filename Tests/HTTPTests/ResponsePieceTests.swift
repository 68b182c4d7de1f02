import Bytes
import Foundation
import Locks
import TestSupport
import Testing

@testable import HTTP

/// Memory that counts its end.
///
/// Unchecked: it is filled before it is shared, and only read after.
private final class Memory: @unchecked Sendable {
  let bytes: UnsafeMutableRawBufferPointer
  private let released: Tally

  init(_ count: Int, _ released: Tally) {
    bytes = .allocate(byteCount: count, alignment: 64)
    for index in 0..<count { bytes[index] = UInt8(truncatingIfNeeded: index &* 31 >> 3) }
    self.released = released
  }

  deinit {
    bytes.deallocate()
    released.add()
  }

  var piece: ResponsePiece { ResponsePiece(UnsafeRawBufferPointer(bytes), owner: self) }
}

private func expected(_ counts: [Int]) -> [UInt8] {
  Array("head;".utf8)
    + counts.flatMap { count in (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) } }
}

/// Answers with a few bytes and then pieces of the sizes that the query lists.
private func pieces(_ released: Tally) -> @Sendable (Exchange) -> Void {
  { exchange in
    let memories = exchange.query.split(separator: ",").map { Memory(Int($0) ?? 0, released) }
    exchange.respond(
      status: 200, contentType: "application/octet-stream", pieces: memories.map(\.piece)
    ) { $0.append("head;") }
  }
}

@Test(arguments: [[], [10], [0, 5, 0], [40_000], [100_000, 0, 200_000, 1], [3_000_000]])
func piecesFollowWhatIsWritten(_ counts: [Int]) throws {
  let released = Tally()
  let query = counts.map(String.init).joined(separator: ",")
  try withServer(
    pieces(released),
    run: { _, port in
      let client = try Client(port: port, receiveBuffer: 16_384)
      // Sent ahead, so that one answer would run into the next if their order were lost.
      for _ in 0..<3 { try client.send("GET /?\(query) HTTP/1.1\r\nHost: a\r\n\r\n") }
      for _ in 0..<3 {
        let response = try client.takeResponse()
        #expect(response.status == 200)
        #expect(response.body == expected(counts))
      }
      try waitUntil { released.value == 3 * counts.count }
    })
}

@Test func headOfPiecesHasTheirLengthAlone() throws {
  let released = Tally()
  try withServer(
    pieces(released),
    run: { _, port in
      let client = try Client(port: port)
      try client.send("HEAD /?100000 HTTP/1.1\r\nHost: a\r\n\r\n")
      let response = try client.takeResponse(toHead: true)
      #expect(response.headers["content-length"] == "100005")
      #expect(try client.exchange("GET", "/?10").body == expected([10]))
    })
}

@Test func piecesArePackedForWhoAsksForThat() throws {
  let released = Tally()
  try withServer(
    pieces(released), configure: { $0.compressMinBytes = 1 },
    run: { _, port in
      let client = try Client(port: port)
      let response = try client.exchange("GET", "/?100000", ["Accept-Encoding: gzip"])
      #expect(response.headers["content-encoding"] == "gzip")
      #expect(try Inflate.unpack(response.body[10...]) == expected([100_000]))
      let plain = try client.exchange("GET", "/?100000", ["Accept-Encoding: identity"])
      #expect(plain.headers["content-encoding"] == nil)
      #expect(plain.body == expected([100_000]))
    })
}

@Test func piecesAreLetGoOfWhenTheirClientLeaves() throws {
  let released = Tally()
  try withServer(
    pieces(released),
    run: { _, port in
      let client = try Client(port: port, receiveBuffer: 8_192)
      try client.send("GET /?30000000 HTTP/1.1\r\nHost: a\r\n\r\n")
      _ = try client.takeHead()
      #expect(released.value == 0)
      client.reset()
      try waitUntil { released.value == 1 }
    })
}

@Test(arguments: [0, 1, 37, 64, 1000, 99_999])
func aBodyLiesAsItsHandlerAskedFor(_ offset: Int) throws {
  let body = (0..<100_000).map { UInt8(truncatingIfNeeded: $0 &* 7) }
  let places = Lock<[Int]>([])
  try withServer(
    { exchange in
      places.withLock { $0.append((Int(bitPattern: exchange.body.baseAddress) + offset) % 64) }
      echo(exchange)
    }, admit: { _ in .admitAligned(at: offset) },
    run: { _, port in
      let client = try Client(port: port)
      for _ in 0..<2 {
        let response = try client.exchange("POST", "/a", body: body)
        #expect(response.body == Array("POST /a  100000\n".utf8) + body)
      }
      #expect(places.withLock { $0 } == [0, 0])
    })
}

/// Memory that tells when it is let go of.
///
/// Unchecked: the bytes are touched by the connection that has them.
private final class LentMemory: @unchecked Sendable {
  let base: UnsafeMutableRawPointer
  let byteCount: Int
  private let returned: @Sendable () -> Void

  init(_ byteCount: Int, returned: @escaping @Sendable () -> Void = {}) {
    base = .allocate(byteCount: byteCount, alignment: 64)
    self.byteCount = byteCount
    self.returned = returned
  }

  deinit {
    base.deallocate()
    returned()
  }
}

@Test(arguments: [0, 1, 64, 1000])
func aBodyLiesInTheMemoryThatItsHandlerLends(_ offset: Int) throws {
  let body = (0..<100_000).map { UInt8(truncatingIfNeeded: $0 &* 7) }
  let lent = Lock<[Range<Int>]>([])
  let returned = Lock(0)
  let places = Lock<[Int]>([])
  try withServer(
    { exchange in
      places.withLock { $0.append(Int(bitPattern: exchange.body.baseAddress)) }
      echo(exchange)
    },
    admit: { _ in
      .admitAligned(at: offset) { byteCount in
        let memory = LentMemory(byteCount) { returned.withLock { $0 += 1 } }
        let start = Int(bitPattern: memory.base)
        lent.withLock { $0.append(start..<start + byteCount) }
        return BodyMemory(base: memory.base, byteCount: byteCount, owner: memory)
      }
    },
    run: { _, port in
      let client = try Client(port: port)
      for _ in 0..<2 {
        let response = try client.exchange("POST", "/a", body: body)
        #expect(response.body == Array("POST /a  100000\n".utf8) + body)
      }
      for (place, range) in zip(places.withLock { $0 }, lent.withLock { $0 }) {
        #expect(range.contains(place) && place + body.count == range.upperBound)
        #expect((place + offset) % 64 == 0)
      }
      try waitUntil { returned.withLock { $0 } == 2 }

      // One who leaves in the middle.
      try client.send("POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\nthe beginning")
      try waitUntil { lent.withLock { $0.count } == 3 }
      client.reset()
      try waitUntil { returned.withLock { $0 } == 3 }
      #expect(places.withLock { $0.count } == 2)
    })
}

@Test func memoryThatIsLentForARequestWithoutAnswerIsGivenBackWhenTheServerStops() throws {
  let returned = Lock(0)
  let came = Lock(0)
  try withServer(
    { _ in came.withLock { $0 += 1 } },
    admit: { _ in
      .admitAligned(at: 0) { byteCount in
        let memory = LentMemory(byteCount) { returned.withLock { $0 += 1 } }
        return BodyMemory(base: memory.base, byteCount: byteCount, owner: memory)
      }
    },
    run: { _, port in
      let client = try Client(port: port)
      try client.send("POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 300000\r\n\r\n")
      try client.send(String(repeating: "x", count: 300_000))
      try waitUntil { came.withLock { $0 } == 1 }
    })
  try waitUntil { returned.withLock { $0 } == 1 }
}

@Test func anyOffsetToAlignIsTaken() throws {
  let body = [UInt8](repeating: 7, count: 100_000)
  try withServer(
    { echo($0) }, admit: { _ in .admitAligned(at: .min) },
    run: { _, port in
      let client = try Client(port: port)
      #expect(try client.exchange("POST", "/a", body: body).body == Array("POST /a  100000\n".utf8) + body)
    })
}

@Test func aBodyForWhichNothingIsLentLiesInTheLoopsMemory() throws {
  let body = (0..<100_000).map { UInt8(truncatingIfNeeded: $0 &* 7) }
  let small = LentMemory(64)
  try withServer(
    { echo($0) },
    admit: { exchange in
      .admitAligned(at: 5) { _ in
        exchange.path == "/none"
          ? nil : BodyMemory(base: small.base, byteCount: small.byteCount, owner: small)
      }
    },
    run: { _, port in
      let client = try Client(port: port)
      for path in ["/none", "/little"] {
        let response = try client.exchange("POST", path, body: body)
        #expect(response.body == Array("POST \(path)  100000\n".utf8) + body)
      }
    })
}

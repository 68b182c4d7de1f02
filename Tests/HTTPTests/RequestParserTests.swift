import Testing

@testable import HTTP

/// A request with these lines, each ended by CR LF, and the empty line.
private func request(_ lines: String...) -> String {
  lines.map { $0 + "\r\n" }.joined() + "\r\n"
}

/// Requests that the parser takes.
private let good: [String] = [
  request("GET / HTTP/1.1", "Host: a"),
  request("GET /v2/models/m?x=1&y=%zz HTTP/1.1", "Host: a:8080", "Accept: */*"),
  request("POST /v2/models/m/infer HTTP/1.1", "Host: a", "Content-Length: 0"),
  request("POST / HTTP/1.1", "host:a", "content-length:12", "X-Empty:", "X-Tab:\ta b\t "),
  request("POST / HTTP/1.1", "Host: a", "Transfer-Encoding: Chunked"),
  request("POST / HTTP/1.1", "Host: a", "Expect: 100-Continue", "Content-Length: 5"),
  request("GET / HTTP/1.0"),
  request("GET / HTTP/1.0", "Connection: keep-alive"),
  request("GET / HTTP/1.1", "Host:", "Connection: foo, Close"),
  "\r\n\r\n" + request("GET / HTTP/1.1", "Host: [::1]:80"),
  request("GET http://example.org/a/b?c HTTP/1.1", "Host: a"),
  request("GET HTTPS://example.org HTTP/1.1", "Host: a"),
  request("OPTIONS * HTTP/1.1", "Host: a"),
  request("OPTIONS http://example.org HTTP/1.1", "Host: a"),
  request("PROPFIND /a%20b%c3%a4%2f%25 HTTP/1.1", "Host: a"),
  request("GET / HTTP/1.1", "Host: a", "X: caf\u{e9} \u{1F600} long enough for the eight-byte steps"),
  request("M-SEARCH!#$%&'*+.^_`|~ /{x}|\\^ HTTP/1.1", "Host: a"),
]

/// Requests that the parser refuses, and with which status.
private let bad: [(Int, String)] = [
  // Lines.
  (400, "GET / HTTP/1.1\nHost: a\r\n\r\n"),
  (400, "GET / HTTP/1.1\r\nHost: a\n\r\n"),
  (400, "GET / HTTP/1.1\r\nHost: a\r\n\n"),
  (400, "GET / HTTP/1.1\r\nHost: a\rX: b\r\n\r\n"),
  (400, "GET / HTTP/1.1\r\r\nHost: a\r\n\r\n"),
  (400, "GET / HTTP/1.1\r\nHost: a\r\n\r\r\n"),
  (400, "\n" + request("GET / HTTP/1.1", "Host: a")),
  (400, "\rGET / HTTP/1.1\r\nHost: a\r\n\r\n"),
  (400, " " + request("GET / HTTP/1.1", "Host: a")),
  (400, "\u{16}\u{3}\u{1}"),
  (400, "\0"),
  // The request line.
  (400, request("GET  / HTTP/1.1", "Host: a")),
  (400, request("GET /  HTTP/1.1", "Host: a")),
  (400, request("GET / HTTP/1.1 ", "Host: a")),
  (400, request("GET\t/ HTTP/1.1", "Host: a")),
  (400, request("GET /", "Host: a")),
  (400, request("GET", "Host: a")),
  (400, request("G(T / HTTP/1.1", "Host: a")),
  (400, request("GET /a b HTTP/1.1", "Host: a")),
  (400, request("GET /\0 HTTP/1.1", "Host: a")),
  (400, request("GET /ä HTTP/1.1", "Host: a")),
  (400, request("GET / http/1.1", "Host: a")),
  (400, request("GET / HTTP/1,1", "Host: a")),
  (400, request("GET / HTTP/11", "Host: a")),
  (400, request(String(repeating: "G", count: 33) + " / HTTP/1.1", "Host: a")),
  (505, request("GET / HTTP/1.2", "Host: a")),
  (505, request("GET / HTTP/0.9", "Host: a")),
  (505, request("GET / HTTP/3.0", "Host: a")),
  (505, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
  // The target.
  (400, request("GET a HTTP/1.1", "Host: a")),
  (400, request("GET * HTTP/1.1", "Host: a")),
  (400, request("CONNECT a:443 HTTP/1.1", "Host: a")),
  (400, request("GET ftp://a/ HTTP/1.1", "Host: a")),
  (400, request("GET http:///a HTTP/1.1", "Host: a")),
  (400, request("GET http://user@a/ HTTP/1.1", "Host: a")),
  (400, request("GET /a#b HTTP/1.1", "Host: a")),
  (400, request("GET /a?b#c HTTP/1.1", "Host: a")),
  (400, request("GET /%4 HTTP/1.1", "Host: a")),
  (400, request("GET /% HTTP/1.1", "Host: a")),
  (400, request("GET /%g0 HTTP/1.1", "Host: a")),
  (400, request("GET /%00 HTTP/1.1", "Host: a")),
  (400, request("GET /a%0d%0aX:b HTTP/1.1", "Host: a")),
  (400, request("GET /%7f HTTP/1.1", "Host: a")),
  (400, request("GET /%ff HTTP/1.1", "Host: a")),
  (400, request("GET /%c0%af HTTP/1.1", "Host: a")),
  // Fields.
  (400, request("GET / HTTP/1.1", "Host: a", "X : b")),
  (400, request("GET / HTTP/1.1", "Host: a", "X\t: b")),
  (400, request("GET / HTTP/1.1", "Host: a", "X: b", " folded")),
  (400, request("GET / HTTP/1.1", "Host: a", "X: b", "\tfolded")),
  (400, request("GET / HTTP/1.1", " Host: a")),
  (400, request("GET / HTTP/1.1", "Host: a", "no colon")),
  (400, request("GET / HTTP/1.1", "Host: a", "nocolon")),
  (400, request("GET / HTTP/1.1", "Host: a", ": b")),
  (400, request("GET / HTTP/1.1", "Host: a", "X(: b")),
  (400, request("GET / HTTP/1.1", "Host: a", "Xä: b")),
  (400, request("GET / HTTP/1.1", "Host: a", "X: a\0b")),
  (400, request("GET / HTTP/1.1", "Host: a", "X: a long value with \u{1} in its middle")),
  (400, request("GET / HTTP/1.1", "Host: a", "X: a\u{7f}")),
  // Host.
  (400, request("GET / HTTP/1.1")),
  (400, request("GET / HTTP/1.1", "Host: a", "Host: a")),
  (400, request("GET / HTTP/1.0", "Host: a", "host: b")),
  (400, request("GET / HTTP/1.1", "Host: a/b")),
  (400, request("GET / HTTP/1.1", "Host: a b")),
  (400, request("GET / HTTP/1.1", "Host: u@b")),
  // Framing.
  (400, request("POST / HTTP/1.1", "Host: a", "Content-Length: 5", "Content-Length: 6")),
  (400, request("POST / HTTP/1.1", "Host: a", "Content-Length: 5", "Content-Length: 5")),
  (400, request("POST / HTTP/1.1", "Host: a", "Content-Length: 5, 5")),
  (400, request("POST / HTTP/1.1", "Host: a", "Content-Length: +5")),
  (400, request("POST / HTTP/1.1", "Host: a", "Content-Length: -5")),
  (400, request("POST / HTTP/1.1", "Host: a", "Content-Length: 0x5")),
  (400, request("POST / HTTP/1.1", "Host: a", "Content-Length: 5 6")),
  (400, request("POST / HTTP/1.1", "Host: a", "Content-Length:")),
  (400, request("POST / HTTP/1.1", "Host: a", "Content-Length : 5")),
  (400, request("POST / HTTP/1.1", "Host: a", "Content-Length: 5", "Transfer-Encoding: chunked")),
  (400, request("POST / HTTP/1.1", "Host: a", "Transfer-Encoding: chunked", "Content-Length: 5")),
  (400, request("POST / HTTP/1.1", "Host: a", "Transfer-Encoding: chunked", "Transfer-Encoding: chunked")),
  (400, request("POST / HTTP/1.1", "Host: a", "Transfer-Encoding: chunked, chunked")),
  (400, request("POST / HTTP/1.1", "Host: a", "Transfer-Encoding:")),
  (400, request("POST / HTTP/1.1", "Host: a", "Transfer-Encoding: ,chunked,")),
  (400, request("POST / HTTP/1.0", "Host: a", "Transfer-Encoding: chunked")),
  (501, request("POST / HTTP/1.1", "Host: a", "Transfer-Encoding: gzip, chunked")),
  (501, request("POST / HTTP/1.1", "Host: a", "Transfer-Encoding: identity")),
  (501, request("POST / HTTP/1.1", "Host: a", "Transfer-Encoding: xchunked")),
  (417, request("POST / HTTP/1.1", "Host: a", "Expect: 200-ok")),
  (417, request("POST / HTTP/1.1", "Host: a", "Expect:")),
]

@Test func parserTakesGoodRequests() throws {
  for text in good {
    let parsed = parse(text)
    let head = try #require(parsed.head, "\(text.debugDescription): \(parsed)")
    #expect(head.byteCount == text.utf8.count)
  }
}

@Test func parserRefusesBadRequests() {
  for (status, text) in bad {
    let parsed = parse(text)
    #expect(parsed.status == status, "\(text.debugDescription): \(parsed)")
  }
}

@Test func parserWaitsForTheEndOfTheHead() {
  for text in good {
    let bytes = Array(text.utf8)
    for end in 0..<bytes.count { #expect(parse(Array(bytes[..<end])) == .incomplete) }
  }
}

@Test func parserDoesNotDependOnHowBytesArrive() {
  var random = SeededGenerator("splits of requests")
  for text in good + bad.map(\.1) {
    let bytes = Array(text.utf8)
    let whole = parse(bytes)
    #expect(parse(bytes, cutAt: Array(0..<bytes.count)) == whole, "\(text.debugDescription), byte by byte")
    for _ in 0..<10 {
      let cuts = (0..<3).map { _ in Int.random(in: 0...bytes.count, using: &random) }.sorted()
      #expect(parse(bytes, cutAt: cuts) == whole, "\(text.debugDescription), cut at \(cuts)")
    }
  }
}

@Test func parserLimitsDoNotDependOnHowBytesArrive() {
  var random = SeededGenerator("splits of long requests")
  let limits = RequestParser.Limits(headBytes: 200, fieldCount: 4, targetBytes: 60)
  for length in 0..<220 {
    let filler = String(repeating: "x", count: length)
    for text in [
      request("GET /\(filler) HTTP/1.1", "Host: a"),
      request("GET / HTTP/1.1", "Host: a", "X: \(filler)"),
      request("GET / HTTP/1.1", "Host: a", "X: \(filler)", "Y"),
      "GET /\(filler)\n", filler, filler + "\r", filler + "\n",
    ] {
      let bytes = Array(text.utf8)
      let whole = parse(bytes, limits: limits)
      #expect(
        parse(bytes, cutAt: Array(0..<bytes.count), limits: limits) == whole, "\(text.debugDescription)")
      let cut = Int.random(in: 0...bytes.count, using: &random)
      #expect(parse(bytes, cutAt: [cut], limits: limits) == whole, "\(text.debugDescription) cut at \(cut)")
    }
  }
}

@Test func parserLimitsTargetHeadAndFields() {
  let limits = RequestParser.Limits(headBytes: 200, fieldCount: 2, targetBytes: 20)
  let atLimit = request("GET /" + String(repeating: "x", count: 19) + " HTTP/1.1", "Host: a")
  let overLimit = request("GET /" + String(repeating: "x", count: 20) + " HTTP/1.1", "Host: a")
  #expect(parse(atLimit, limits: limits).head != nil)
  #expect(parse(overLimit, limits: limits).status == 414)
  #expect(parse("GET /" + String(repeating: "x", count: 300), limits: limits).status == 414)
  #expect(parse(request("GET / HTTP/1.1", "Host: a", "B: c"), limits: limits).head != nil)
  #expect(parse(request("GET / HTTP/1.1", "Host: a", "B: c", "D: e"), limits: limits).status == 431)

  let frame = request("GET / HTTP/1.1", "Host: a", "B: ").utf8.count
  let largest = request("GET / HTTP/1.1", "Host: a", "B: " + String(repeating: "x", count: 200 - frame))
  #expect(largest.utf8.count == 200)
  #expect(parse(largest, limits: limits).head != nil)
  let tooLarge = request("GET / HTTP/1.1", "Host: a", "B: " + String(repeating: "x", count: 201 - frame))
  #expect(parse(tooLarge, limits: limits).status == 431)
  #expect(parse(String(repeating: "\r\n", count: 101), limits: limits).status == 414)
}

@Test func parserReadsFraming() throws {
  let length = try #require(parse(good[3]).head)
  #expect(length.contentLength == 12)
  #expect(!length.isChunked)
  #expect(length.announcesBody)
  let chunked = try #require(parse(good[4]).head)
  #expect(chunked.isChunked)
  #expect(chunked.contentLength == nil)
  let none = try #require(parse(good[0]).head)
  #expect(!none.announcesBody)
  let huge = request("POST / HTTP/1.1", "Host: a", "Content-Length: 99999999999999999999999")
  #expect(
    try #require(parse(huge).head).contentLength == Int.max, "too large for any limit, not wrapped around")
}

@Test func parserReadsConnectionAndExpect() throws {
  #expect(try #require(parse(good[0]).head).keepsAlive)
  #expect(try #require(parse(good[5]).head).expectsContinue)
  #expect(try !#require(parse(good[6]).head).keepsAlive)
  #expect(try #require(parse(good[7]).head).keepsAlive)
  #expect(try !#require(parse(good[8]).head).keepsAlive)
  let old = try #require(parse(request("POST / HTTP/1.0", "Expect: 100-continue")).head)
  #expect(!old.expectsContinue, "HTTP/1.0 has no 100")
}

@Test func parserReadsTargets() throws {
  func target(_ text: String) throws -> (path: String?, query: String) {
    let head = try #require(parse(text).head)
    let bytes = Array(text.utf8)
    let cut = { (range: ByteRange) in
      String(decoding: bytes[Int(range.start)..<Int(range.start + range.count)], as: UTF8.self)
    }
    return (head.decodedPath ?? cut(head.rawPath), cut(head.query))
  }
  #expect(try target(good[1]) == ("/v2/models/m", "x=1&y=%zz"))
  #expect(try target(good[10]) == ("/a/b", "c"))
  #expect(try target(good[11]) == ("/", ""))
  #expect(try target(good[12]) == ("*", ""))
  #expect(try target(good[13]) == ("*", ""))
  #expect(try target(good[14]) == ("/a bä%2F%25", ""))
  #expect(try target(request("GET http://a?b HTTP/1.1", "Host: a")) == ("/", "b"))
  #expect(try target(request("GET /a%252Fb HTTP/1.1", "Host: a")) == ("/a%252Fb", ""))
}

@Test func parserKeepsFieldsInOrderAndTrimmed() throws {
  let text = good[3]
  let head = try #require(parse(text).head)
  let bytes = Array(text.utf8)
  let fields = bytes.withUnsafeBufferPointer { buffer in
    head.fields.map { field in
      [field.name, field.value].map { range in
        String(decoding: range.slice(of: buffer.baseAddress.unsafelyUnwrapped), as: UTF8.self)
      }
    }
  }
  #expect(fields == [["host", "a"], ["content-length", "12"], ["X-Empty", ""], ["X-Tab", "a b"]])
}

@Test func parserStartsAfreshAfterReset() throws {
  var parser = RequestParser()
  let first = Array(request("POST / HTTP/1.1", "Host: a", "Content-Length: 3", "Connection: close").utf8)
  #expect(try first.withUnsafeBufferPointer { try parser.parse($0, limits: .init()) })
  parser.reset()
  let second = Array(request("GET /x HTTP/1.1", "Host: b").utf8)
  #expect(try second.withUnsafeBufferPointer { try parser.parse($0, limits: .init()) })
  #expect(.head(parser.head) == parse(second))
}

@Test func tokensAreThoseOfTheGrammar() {
  let tokens = Set(
    "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz".utf8)
  for byte in UInt8.min...UInt8.max { #expect(FieldSyntax.isToken(byte) == tokens.contains(byte)) }
}

@Test func invalidValueBytesAreFoundAtEveryPlace() {
  for length in 1..<40 {
    for place in 0..<length {
      for byte in UInt8.min...UInt8.max {
        var value = [UInt8](repeating: UInt8(ascii: "a"), count: length)
        value[place] = byte
        let found = value.withUnsafeBufferPointer { FieldSyntax.firstInvalidValueByte($0) }
        let isInvalid = byte != 9 && (byte < 32 || byte == 127)
        #expect(found == (isInvalid ? byte : nil))
      }
    }
  }
}

import Testing

@testable import HTTP

private let limits = ChunkedDecoder.Limits(bodyBytes: 100, chunkCount: 5, trailerBytes: 60, trailerCount: 3)

private func decode(_ text: String) -> Decoded { decodeChunks(Array(text.utf8), limits: limits) }

private let good: [(String, String)] = [
  ("0\r\n\r\n", ""),
  ("5\r\nhello\r\n0\r\n\r\n", "hello"),
  ("5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n", "hello world"),
  ("00005\r\nhello\r\n000\r\n\r\n", "hello"),
  ("a\r\n0123456789\r\nA\r\n0123456789\r\n0\r\n\r\n", "01234567890123456789"),
  ("5;name=value;x=\"y\"\r\nhello\r\n0;last\r\n\r\n", "hello"),
  ("2\r\n\r\n\r\n0\r\n\r\n", "\r\n"),
  ("0\r\nTrailer: value\r\nOther:\r\n\r\n", ""),
]

private let bad: [(Int, String)] = [
  (400, "\r\n"), (400, "x\r\n"), (400, "-5\r\n"), (400, "+5\r\n"), (400, "0x5\r\n"), (400, " 5\r\n"),
  (400, "5 \r\n"), (400, "5\t;x\r\n"), (400, "5\nhello\r\n"), (400, "5\rhello\r\n"), (400, "5\r\r\n"),
  (400, "5,6\r\n"), (400, ";x\r\n"), (400, "ffffffffffffffff\r\n"), (400, "0000000000000005\r\n"),
  (400, "5;\0\r\n"), (400, "5\r\nhelloX\r\n"), (400, "5\r\nhello\rX"), (400, "5\r\nhello\n"),
  (400, "0\r\nX : y\r\n\r\n"), (400, "0\r\n folded\r\n\r\n"), (400, "0\r\nX\r\n\r\n"), (400, "0\r\n\n"),
  (400, "5;" + String(repeating: "x", count: 300)), (413, "65\r\n"), (413, "fffffffffffffff\r\n"),
  (413, "60\r\n" + String(repeating: "x", count: 96) + "\r\n5\r\n"),
  (413, String(repeating: "1\r\nx\r\n", count: 6)),
  (431, "0\r\nA: b\r\nC: d\r\nE: f\r\nG: h\r\n\r\n"),
  (431, "0\r\nA: " + String(repeating: "x", count: 80) + "\r\n\r\n"),
  (431, "0\r\n" + String(repeating: "x", count: 80)),
]

@Test func chunksAreDecoded() {
  for (text, content) in good {
    let decoded = decode(text + "next")
    #expect(decoded.error == nil, "\(text.debugDescription)")
    #expect(decoded.end == text.utf8.count, "\(text.debugDescription): the bytes behind the body stay")
    #expect(String(decoding: decoded.content, as: UTF8.self) == content)
  }
}

@Test func badChunksAreRefused() {
  for (status, text) in bad {
    let decoded = decode(text)
    #expect(decoded.error?.status == status, "\(text.debugDescription): \(decoded)")
  }
}

@Test func chunkExtensionsAreLimitedTogether() {
  let many = ChunkedDecoder.Limits(bodyBytes: 1_000, chunkCount: 1_000, trailerBytes: 0, trailerCount: 0)
  let chunk = "1;" + String(repeating: "x", count: 200) + "\r\ny\r\n"
  let text = String(repeating: chunk, count: 100) + "0\r\n\r\n"
  #expect(decodeChunks(Array(text.utf8), limits: many).error?.status == 400)
  let few = String(repeating: chunk, count: 50) + "0\r\n\r\n"
  #expect(decodeChunks(Array(few.utf8), limits: many).error == nil)
}

@Test func decodingDoesNotDependOnHowBytesArrive() {
  var random = SeededGenerator("splits of chunks")
  for text in good.map(\.0) + bad.map(\.1) {
    let bytes = Array(text.utf8)
    let whole = decodeChunks(bytes, limits: limits)
    #expect(
      decodeChunks(bytes, cutAt: Array(0..<bytes.count), limits: limits) == whole, "\(text.debugDescription)")
    for _ in 0..<10 {
      let cuts = (0..<3).map { _ in Int.random(in: 0...bytes.count, using: &random) }.sorted()
      #expect(decodeChunks(bytes, cutAt: cuts, limits: limits) == whole, "\(text.debugDescription), \(cuts)")
    }
  }
}

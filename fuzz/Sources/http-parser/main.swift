import FuzzDriver
import Glibc

@testable import HTTP

/// The outcome of reading requests and their bodies from a stream of bytes.
struct Outcome: Equatable {
  var heads: [RequestHead] = []
  var bodies: [[UInt8]] = []
  var consumed = 0
  var error: ProtocolError?
}

/// Reads one request after another, as a connection does, from bytes that arrive in pieces.
struct StreamReader {
  private let headLimits = RequestParser.Limits(headBytes: 512, fieldCount: 8, targetBytes: 128)
  private let chunkLimits = ChunkedDecoder.Limits(
    bodyBytes: 1_000, chunkCount: 20, trailerBytes: 100, trailerCount: 4)
  private var parser = RequestParser()
  private var decoder: ChunkedDecoder?
  private var missing: Int?
  private var body: [UInt8] = []
  /// Where the current request starts, and how far its body's framing was read from there.
  private var start = 0
  private var position = 0
  private(set) var outcome = Outcome()

  /// Goes on with all bytes that have arrived so far.
  mutating func read(_ arrived: UnsafeBufferPointer<UInt8>) {
    guard outcome.error == nil else { return }
    do throws(ProtocolError) {
      while try step(UnsafeBufferPointer(rebasing: arrived[start...])) {}
    } catch {
      outcome.error = error
    }
    outcome.consumed = start
  }

  /// Takes one step; false if it needs more bytes.
  private mutating func step(_ bytes: UnsafeBufferPointer<UInt8>) throws(ProtocolError) -> Bool {
    if let missing { return takeWhole(bytes, missing) }
    if decoder != nil { return try takeChunks(bytes) }
    guard try parser.parse(bytes, limits: headLimits) else { return false }
    check(parser.head, bytes)
    outcome.heads.append(parser.head)
    position = parser.head.byteCount
    if parser.head.isChunked {
      decoder = ChunkedDecoder()
    } else {
      missing = parser.head.contentLength ?? 0
    }
    return true
  }

  private mutating func takeWhole(_ bytes: UnsafeBufferPointer<UInt8>, _ length: Int) -> Bool {
    guard bytes.count - position >= length else { return false }
    body = Array(bytes[position..<(position + length)])
    finish(position + length)
    return true
  }

  private mutating func takeChunks(_ bytes: UnsafeBufferPointer<UInt8>) throws(ProtocolError) -> Bool {
    guard var decoder else { return false }
    defer { if self.decoder != nil { self.decoder = decoder } }
    switch try decoder.next(bytes, &position, chunkLimits) {
    case .needsMore: return false
    case .finished:
      finish(position)
      return true
    case .content(let announced):
      let count = min(announced, bytes.count - position)
      guard count > 0 else { return false }
      body += bytes[position..<(position + count)]
      precondition(body.count <= chunkLimits.bodyBytes, "a body over its limit was let through")
      decoder.took(count)
      position += count
      return true
    }
  }

  private mutating func finish(_ length: Int) {
    outcome.bodies.append(body)
    body = []
    start += length
    missing = nil
    decoder = nil
    parser.reset()
  }

  /// What must hold of every head that is let through.
  private func check(_ head: RequestHead, _ bytes: UnsafeBufferPointer<UInt8>) {
    precondition(head.byteCount <= headLimits.headBytes && head.byteCount <= bytes.count)
    precondition(head.fields.count <= headLimits.fieldCount)
    precondition(!(head.isChunked && head.contentLength != nil), "two framings were let through")
    precondition(bytes[head.byteCount - 1] == 10 && bytes[head.byteCount - 2] == 13)
    let all =
      [head.methodName, head.target, head.rawPath, head.query] + head.fields.flatMap { [$0.name, $0.value] }
    for range in all {
      precondition(Int(range.start) + Int(range.count) <= head.byteCount)
      for byte in bytes[Int(range.start)..<Int(range.start + range.count)] {
        precondition(byte != 0 && byte != 10 && byte != 13, "a line end or NUL was let through")
      }
    }
    if let path = head.decodedPath {
      precondition(path == "*" || path.first == "/")
      precondition(path.utf8.allSatisfy { $0 >= 32 && $0 != 127 })
    }
  }
}

/// Reads the input whole and in pieces, whose lengths its first byte decides; both must come to the same.
exit(
  fuzz { input in
    guard let seed = input.first else { return }
    let bytes = UnsafeBufferPointer(rebasing: input.dropFirst())
    var whole = StreamReader()
    whole.read(bytes)
    var pieces = StreamReader()
    var state = UInt32(seed)
    var end = 0
    while end < bytes.count {
      state = state &* 1_664_525 &+ 1_013_904_223
      end = seed == 0 ? end + 1 : min(bytes.count, end + Int(state >> 24) % (Int(seed) + 1) + 1)
      pieces.read(UnsafeBufferPointer(rebasing: bytes[..<end]))
    }
    precondition(whole.outcome == pieces.outcome, "\(whole.outcome)\n\(pieces.outcome)")
  })

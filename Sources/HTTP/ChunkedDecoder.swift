/// Reads the framing of a chunked body (RFC 9112 section 7.1) from bytes that arrive in pieces.
///
/// Pure, like `RequestParser`. Extensions and trailers are checked, counted and dropped.
struct ChunkedDecoder: Equatable {
  struct Limits: Sendable, Equatable {
    /// The length of the decoded body in bytes.
    var bodyBytes: Int
    var chunkCount: Int
    /// The length of all trailers together in bytes.
    var trailerBytes: Int
    var trailerCount: Int
  }

  /// What comes next in the bytes.
  enum Step: Equatable {
    /// Framing that is not whole yet.
    case needsMore
    /// Up to this many bytes of content, now or when they arrive; `took` tells how many were used.
    case content(Int)
    case finished
  }

  /// The longest line with the size of a chunk, extensions included, in bytes.
  static let longestSizeLine = 256
  /// The most that the extensions of one body may weigh together, in bytes.
  static let extensionBytes = 16_384

  private enum Stage: Equatable { case size, content, contentEnd, trailers, finished }

  private var stage = Stage.size
  /// Bytes of content that the current chunk still has.
  private var remaining = 0
  private var chunks = 0
  private var extensions = 0
  private var trailerBytes = 0
  private var trailerCount = 0
  /// Bytes of content announced so far.
  private(set) var announced = 0
  private var lines = LineScanner()

  /// Goes on at `position` of `bytes`, moving it past the framing it reads. `bytes` may only shrink at
  /// the front between calls as far as `position` had come, with `position` then lowered alike.
  mutating func next(
    _ bytes: UnsafeBufferPointer<UInt8>, _ position: inout Int, _ limits: Limits
  ) throws(ProtocolError) -> Step {
    while true {
      switch stage {
      case .finished: return .finished
      case .content:
        if remaining > 0 { return .content(remaining) }
        stage = .contentEnd
      case .contentEnd:
        guard try takeContentEnd(bytes, &position) else { return .needsMore }
        stage = .size
      case .size:
        guard let line = try takeLine(bytes, &position, longest: Self.longestSizeLine) else {
          return .needsMore
        }
        try readSize(UnsafeBufferPointer(rebasing: bytes[line]), limits)
      case .trailers:
        let longest = limits.trailerBytes - trailerBytes
        guard let line = try takeLine(bytes, &position, longest: longest) else { return .needsMore }
        try readTrailer(bytes, line, limits)
      }
    }
  }

  /// Content that is to come before any framing.
  var pendingContent: Int { stage == .content ? remaining : 0 }

  /// Counts `count` bytes of the content that `next` announced as taken.
  mutating func took(_ count: Int) {
    precondition(count >= 0 && count <= remaining, "more content than the chunk has")
    remaining -= count
  }

  private func takeContentEnd(
    _ bytes: UnsafeBufferPointer<UInt8>, _ position: inout Int
  ) throws(ProtocolError) -> Bool {
    let error = ProtocolError.bad("expected CR LF after the bytes of a chunk; check the size of the chunk")
    if position < bytes.count, bytes[position] != 0x0d { throw error }
    guard position + 1 < bytes.count else { return false }
    guard bytes[position + 1] == 0x0a else { throw error }
    position += 2
    return true
  }

  /// The next line without CR LF; nil if it is not whole.
  private mutating func takeLine(
    _ bytes: UnsafeBufferPointer<UInt8>, _ position: inout Int, longest: Int
  ) throws(ProtocolError) -> Range<Int>? {
    lines = LineScanner()
    lines.skip(to: position)
    let end = lines.findEnd(bytes)
    guard (end ?? bytes.count) - position - 1 <= longest else {
      if stage == .size { throw .bad("the line with a chunk's size exceeds \(longest) bytes") }
      throw ProtocolError(
        status: 431, message: "the trailers of the chunked body are too long; leave them out")
    }
    guard let end else { return nil }
    let line = try lines.takeLine(bytes, endingAt: end)
    position = end + 1
    return line
  }

  /// chunk-size = 1*HEXDIG, then optional extensions after a semicolon
  private mutating func readSize(
    _ line: UnsafeBufferPointer<UInt8>, _ limits: Limits
  ) throws(ProtocolError) {
    var size = 0
    var digits = 0
    while digits < line.count, let digit = RequestTarget.hexDigit(line[digits]) {
      digits += 1
      guard digits <= 15 else { throw .bad("the size of a chunk has more than 15 digits") }
      size = size << 4 | Int(digit)
    }
    guard digits > 0, digits == line.count || line[digits] == UInt8(ascii: ";") else {
      throw .bad("expected the size of a chunk in hexadecimal digits, got \(FieldSyntax.excerpt(line))")
    }
    let rest = UnsafeBufferPointer(rebasing: line[digits...])
    if let byte = FieldSyntax.firstInvalidValueByte(rest) {
      throw .bad("a chunk extension holds \(FieldSyntax.describe(byte)); leave extensions out")
    }
    extensions += rest.count
    guard extensions <= Self.extensionBytes else {
      throw .bad("the chunk extensions exceed \(Self.extensionBytes) bytes; leave them out")
    }
    guard size > 0 else {
      stage = .trailers
      return
    }
    chunks += 1
    guard chunks <= limits.chunkCount else {
      throw ProtocolError(
        status: 413, message: "the body has more than \(limits.chunkCount) chunks; send larger ones")
    }
    guard size <= limits.bodyBytes - announced else { throw .bodyTooLarge(limits.bodyBytes) }
    announced += size
    remaining = size
    stage = .content
  }

  private mutating func readTrailer(
    _ bytes: UnsafeBufferPointer<UInt8>, _ line: Range<Int>, _ limits: Limits
  ) throws(ProtocolError) {
    guard !line.isEmpty else {
      stage = .finished
      return
    }
    _ = try RequestParser.splitField(bytes, line)
    trailerBytes += line.count + 2
    trailerCount += 1
    guard trailerCount <= limits.trailerCount, trailerBytes <= limits.trailerBytes else {
      throw ProtocolError(status: 431, message: "the chunked body has too many trailers; leave them out")
    }
  }
}

extension ProtocolError {
  static func bodyTooLarge(_ limit: Int) -> ProtocolError {
    ProtocolError(status: 413, message: "the body exceeds the limit of \(limit) bytes; send a smaller one")
  }
}

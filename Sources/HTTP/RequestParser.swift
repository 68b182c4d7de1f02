/// Reads the head of an HTTP/1.1 request (RFC 9112), strictly, from bytes that arrive in pieces.
///
/// Pure: no socket, no clock, and no memory but the kept table of fields. The outcome does not
/// depend on how the bytes were cut into pieces.
struct RequestParser {
  struct Limits: Sendable, Equatable {
    /// The length of the head in bytes.
    var headBytes = 65_536
    var fieldCount = 128
    /// The length of the request target in bytes.
    var targetBytes = 16_384
  }

  /// The longest method name that is read; registered ones have at most 18 letters.
  static let longestMethod = 32

  private(set) var head = RequestHead()
  private var lines = LineScanner()
  private var hasRequestLine = false
  private var hostCount = 0
  private var connectionCloses = false
  private var connectionKeepsAlive = false

  /// Makes ready for the next request; keeps memory.
  mutating func reset() {
    head.reset()
    lines = LineScanner()
    hasRequestLine = false
    hostCount = 0
    connectionCloses = false
    connectionKeepsAlive = false
  }

  /// Goes on with `bytes`, which begin with the first byte of the request and contain what earlier
  /// calls saw. True once the head is whole.
  mutating func parse(
    _ bytes: UnsafeBufferPointer<UInt8>, limits: Limits
  ) throws(ProtocolError) -> Bool {
    while true {
      if !hasRequestLine { try checkFirstByte(bytes) }
      guard let end = lines.findEnd(bytes) else {
        // The line cannot be shorter than what is here less a CR at its end.
        try checkLength(line: bytes.count - lines.lineStart - 1, head: bytes.count + 1, limits)
        return false
      }
      try checkLength(line: end - lines.lineStart - 1, head: end + 1, limits)
      let line = try lines.takeLine(bytes, endingAt: end)
      if hasRequestLine {
        if line.isEmpty {
          head.byteCount = end + 1
          try finish()
          return true
        }
        try parseField(bytes, line, limits)
      } else if !line.isEmpty {
        try parseRequestLine(bytes, line, limits)
        hasRequestLine = true
      }
    }
  }

  private func checkFirstByte(_ bytes: UnsafeBufferPointer<UInt8>) throws(ProtocolError) {
    guard lines.lineStart < bytes.count else { return }
    let first = bytes[lines.lineStart]
    if first == 0x16 {
      throw .bad("expected an HTTP request, got a TLS handshake; this port speaks plain http://")
    }
    // A CR can begin an empty line before the request, which RFC 9112 section 2.2 allows.
    guard FieldSyntax.isToken(first) || first == 0x0d || first == 0x0a else {
      throw .bad("expected a method such as GET, got \(FieldSyntax.describe(first))")
    }
  }

  private func checkLength(line: Int, head: Int, _ limits: Limits) throws(ProtocolError) {
    if hasRequestLine {
      guard head <= limits.headBytes else {
        throw ProtocolError(
          status: 431,
          message: "the header fields exceed \(limits.headBytes) bytes; send fewer or shorter ones")
      }
    } else {
      let longest = min(limits.targetBytes + Self.longestMethod + 10, limits.headBytes - 2)
      guard line <= longest, head <= limits.headBytes else { throw Self.targetTooLong(limits) }
    }
  }

  private static func targetTooLong(_ limits: Limits) -> ProtocolError {
    ProtocolError(
      status: 414,
      message: "the request target exceeds \(limits.targetBytes) bytes; shorten the path or query")
  }

  /// request-line = method SP request-target SP HTTP-version
  private mutating func parseRequestLine(
    _ bytes: UnsafeBufferPointer<UInt8>, _ line: Range<Int>, _ limits: Limits
  ) throws(ProtocolError) {
    var index = line.lowerBound
    while index < line.upperBound, FieldSyntax.isToken(bytes[index]) { index += 1 }
    let method = line.lowerBound..<index
    guard index < line.upperBound, bytes[index] == UInt8(ascii: " "), method.count <= Self.longestMethod
    else {
      let what = index < line.upperBound ? FieldSyntax.describe(bytes[index]) : "the end of the line"
      throw .bad("expected METHOD TARGET HTTP/1.1 with one space between, got \(what) after the method")
    }
    index += 1
    let targetStart = index
    while index < line.upperBound, bytes[index] > 0x20, bytes[index] < 0x7f { index += 1 }
    let target = targetStart..<index
    guard index < line.upperBound, bytes[index] == UInt8(ascii: " "), !target.isEmpty else {
      let what = index < line.upperBound ? FieldSyntax.describe(bytes[index]) : "the end of the line"
      throw .bad(
        "expected a request target of visible ASCII and then HTTP/1.1, got \(what); percent-encode it")
    }
    try parseVersion(UnsafeBufferPointer(rebasing: bytes[(index + 1)..<line.upperBound]))
    guard target.count <= limits.targetBytes else { throw Self.targetTooLong(limits) }
    head.methodName = ByteRange(method)
    head.method = Method.parse(UnsafeBufferPointer(rebasing: bytes[method]))
    try RequestTarget.parse(bytes, target, into: &head)
  }

  /// HTTP-version = "HTTP" "/" DIGIT "." DIGIT, case counting (RFC 9112 section 2.3)
  private mutating func parseVersion(_ version: UnsafeBufferPointer<UInt8>) throws(ProtocolError) {
    if FieldSyntax.equal(version, "HTTP/1.1") { return }
    if FieldSyntax.equal(version, "HTTP/1.0") {
      head.isVersion11 = false
      return
    }
    let isDigit = { (byte: UInt8) in byte >= 0x30 && byte <= 0x39 }
    guard version.count == 8, FieldSyntax.equal(.init(rebasing: version[..<5]), "HTTP/"),
      isDigit(version[5]), version[6] == UInt8(ascii: "."), isDigit(version[7])
    else {
      throw .bad("expected HTTP/1.1 at the end of the request line, got \(FieldSyntax.excerpt(version))")
    }
    throw ProtocolError(
      status: 505, message: "expected HTTP/1.1 or HTTP/1.0, got \(FieldSyntax.excerpt(version)); use HTTP/1.1"
    )
  }

  /// field-line = field-name ":" OWS field-value OWS (RFC 9112 section 5)
  private mutating func parseField(
    _ bytes: UnsafeBufferPointer<UInt8>, _ line: Range<Int>, _ limits: Limits
  ) throws(ProtocolError) {
    guard head.fields.count < limits.fieldCount else {
      throw ProtocolError(
        status: 431, message: "the request has more than \(limits.fieldCount) header fields; send fewer")
    }
    let field = try Self.splitField(bytes, line)
    head.fields.append(field)
    guard let base = bytes.baseAddress else { return }
    let name = field.name.slice(of: base)
    let value = field.value.slice(of: base)
    switch name.count {
    case 4: if FieldSyntax.isName(name, "host") { try readHost(value) }
    case 6: if FieldSyntax.isName(name, "expect") { try readExpect(value) }
    case 10: if FieldSyntax.isName(name, "connection") { readConnection(value) }
    case 14: if FieldSyntax.isName(name, "content-length") { try readContentLength(value) }
    case 17: if FieldSyntax.isName(name, "transfer-encoding") { try readTransferEncoding(value) }
    default: break
    }
  }

  /// Splits and checks a field line; trailers are held to the same rules.
  static func splitField(
    _ bytes: UnsafeBufferPointer<UInt8>, _ line: Range<Int>
  ) throws(ProtocolError) -> Field {
    var colon = line.lowerBound
    while colon < line.upperBound, FieldSyntax.isToken(bytes[colon]) { colon += 1 }
    guard colon < line.upperBound, bytes[colon] == UInt8(ascii: ":"), colon > line.lowerBound else {
      throw fieldNameError(bytes, line, stoppedAt: colon)
    }
    var start = colon + 1
    var end = line.upperBound
    while start < end, FieldSyntax.isBlank(bytes[start]) { start += 1 }
    while end > start, FieldSyntax.isBlank(bytes[end - 1]) { end -= 1 }
    if let byte = FieldSyntax.firstInvalidValueByte(UnsafeBufferPointer(rebasing: bytes[start..<end])) {
      let name = FieldSyntax.excerpt(UnsafeBufferPointer(rebasing: bytes[line.lowerBound..<colon]))
      throw .bad(
        "the header field \(name) holds \(FieldSyntax.describe(byte)); control characters are not allowed")
    }
    return Field(name: ByteRange(line.lowerBound..<colon), value: ByteRange(start..<end))
  }

  private static func fieldNameError(
    _ bytes: UnsafeBufferPointer<UInt8>, _ line: Range<Int>, stoppedAt index: Int
  ) -> ProtocolError {
    if FieldSyntax.isBlank(bytes[line.lowerBound]) {
      return .bad("a header line begins with a blank; folded lines are obsolete: send the field on one line")
    }
    guard index < line.upperBound else {
      return .bad("a header line has no colon; send it as name: value")
    }
    if FieldSyntax.isBlank(bytes[index]) {
      let name = UnsafeBufferPointer(rebasing: bytes[line.lowerBound..<index])
      return .bad(
        "a blank follows the header name \(FieldSyntax.excerpt(name)); put the colon right after it")
    }
    return .bad("a header name holds \(FieldSyntax.describe(bytes[index])); use letters, digits and hyphens")
  }

  private mutating func readHost(_ value: UnsafeBufferPointer<UInt8>) throws(ProtocolError) {
    hostCount += 1
    guard hostCount == 1 else { throw .bad("the Host field came more than once; send it once") }
    guard FieldSyntax.isAuthority(value) else {
      throw .bad("the Host field is \(FieldSyntax.excerpt(value)); send host or host:port")
    }
  }

  private mutating func readExpect(_ value: UnsafeBufferPointer<UInt8>) throws(ProtocolError) {
    guard FieldSyntax.equalIgnoringCase(value, "100-continue") else {
      throw ProtocolError(
        status: 417, message: "expected Expect: 100-continue or none, got \(FieldSyntax.excerpt(value))")
    }
    head.expectsContinue = true
  }

  private mutating func readConnection(_ value: UnsafeBufferPointer<UInt8>) {
    FieldSyntax.forEachElement(value) { element in
      if FieldSyntax.equalIgnoringCase(element, "close") { connectionCloses = true }
      if FieldSyntax.equalIgnoringCase(element, "keep-alive") { connectionKeepsAlive = true }
      return true
    }
  }

  /// Content-Length = 1*DIGIT, once (RFC 9110 section 8.6; a list of equal values is refused too).
  private mutating func readContentLength(_ value: UnsafeBufferPointer<UInt8>) throws(ProtocolError) {
    guard head.contentLength == nil else {
      throw .bad("the Content-Length field came more than once; send it once")
    }
    var length = 0
    for byte in value {
      guard byte >= 0x30, byte <= 0x39 else {
        throw .bad("expected Content-Length as decimal digits, got \(FieldSyntax.excerpt(value))")
      }
      let (tens, overflows) = length.multipliedReportingOverflow(by: 10)
      let (sum, carries) = tens.addingReportingOverflow(Int(byte - 0x30))
      // Too large for any limit; the comparison with the limit refuses it.
      length = overflows || carries ? Int.max : sum
    }
    guard !value.isEmpty else { throw .bad("the Content-Length field is empty; send decimal digits") }
    head.contentLength = length
  }

  /// Only `chunked`, once (RFC 9112 section 6.1).
  private mutating func readTransferEncoding(_ value: UnsafeBufferPointer<UInt8>) throws(ProtocolError) {
    guard !head.isChunked else {
      throw .bad("the Transfer-Encoding field came more than once; send it once, as chunked")
    }
    if FieldSyntax.equalIgnoringCase(value, "chunked") {
      head.isChunked = true
      return
    }
    var codings = 0
    var chunked = 0
    FieldSyntax.forEachElement(value) { element in
      codings += 1
      if FieldSyntax.equalIgnoringCase(element, "chunked") { chunked += 1 }
      return true
    }
    guard codings > 0, chunked < 2, chunked < codings else {
      throw .bad("expected Transfer-Encoding: chunked, got \(FieldSyntax.excerpt(value))")
    }
    throw ProtocolError(
      status: 501,
      message:
        "the transfer coding \(FieldSyntax.excerpt(value)) is not supported; send chunked or Content-Length")
  }

  /// The rules that take all fields together (RFC 9112 sections 3.2, 6.1 and 9.3).
  private mutating func finish() throws(ProtocolError) {
    if head.isVersion11, hostCount == 0 { throw .bad("HTTP/1.1 requires a Host field, and there is none") }
    if head.isChunked {
      guard head.contentLength == nil else {
        throw .bad("the request has both Content-Length and Transfer-Encoding; send one of them")
      }
      guard head.isVersion11 else {
        throw .bad("HTTP/1.0 knows no Transfer-Encoding; send Content-Length or use HTTP/1.1")
      }
    }
    head.keepsAlive = !connectionCloses && (head.isVersion11 || connectionKeepsAlive)
    if !head.isVersion11 { head.expectsContinue = false }
  }
}

/// The forms of a request target (RFC 9112 section 3.2) and the decoding of its path.
enum RequestTarget {
  /// Splits the target at `range` of `bytes` into path and query.
  static func parse(
    _ bytes: UnsafeBufferPointer<UInt8>, _ range: Range<Int>, into head: inout RequestHead
  ) throws(ProtocolError) {
    head.target = ByteRange(range)
    var pathStart = range.lowerBound
    if bytes[pathStart] != UInt8(ascii: "/") {
      if range.count == 1, bytes[pathStart] == UInt8(ascii: "*") {
        guard head.method == .options else {
          throw .bad("the target * is for OPTIONS only; send a path that begins with /")
        }
        head.decodedPath = "*"
        return
      }
      pathStart = try skipSchemeAndAuthority(bytes, range)
    }
    var pathEnd = pathStart
    var hasEscape = false
    while pathEnd < range.upperBound, bytes[pathEnd] != UInt8(ascii: "?") {
      let byte = bytes[pathEnd]
      if byte == UInt8(ascii: "%") { hasEscape = true }
      if byte == UInt8(ascii: "#") { throw fragmentError }
      pathEnd += 1
    }
    head.rawPath = ByteRange(pathStart..<pathEnd)
    if pathStart == pathEnd {
      head.decodedPath = head.method == .options && pathEnd == range.upperBound ? "*" : "/"
    } else if hasEscape {
      head.decodedPath = try decode(UnsafeBufferPointer(rebasing: bytes[pathStart..<pathEnd]))
    }
    guard pathEnd < range.upperBound else { return }
    let query = (pathEnd + 1)..<range.upperBound
    for byte in bytes[query] where byte == UInt8(ascii: "#") { throw fragmentError }
    head.query = ByteRange(query)
  }

  private static let fragmentError = ProtocolError.bad(
    "the request target holds '#'; leave the fragment out, or write it as %23")

  /// Where the path of an absolute target starts: `http://host:port` is left out, as RFC 9112
  /// section 3.2.2 has it. User information is refused (RFC 9110 section 4.2.4).
  private static func skipSchemeAndAuthority(
    _ bytes: UnsafeBufferPointer<UInt8>, _ range: Range<Int>
  ) throws(ProtocolError) -> Int {
    let target = UnsafeBufferPointer(rebasing: bytes[range])
    var start = 0
    if target.count >= 7, FieldSyntax.equalIgnoringCase(.init(rebasing: target[..<7]), "http://") {
      start = 7
    } else if target.count >= 8, FieldSyntax.equalIgnoringCase(.init(rebasing: target[..<8]), "https://") {
      start = 8
    } else {
      throw .bad("expected a target that begins with / or http://, got \(FieldSyntax.excerpt(target))")
    }
    var end = start
    while end < target.count, target[end] != UInt8(ascii: "/"), target[end] != UInt8(ascii: "?") { end += 1 }
    let authority = UnsafeBufferPointer(rebasing: target[start..<end])
    guard !authority.isEmpty, FieldSyntax.isAuthority(authority) else {
      throw .bad("expected http://host[:port]/path, got \(FieldSyntax.excerpt(target))")
    }
    return range.lowerBound + end
  }

  /// Decodes the escapes of a path, all but `%2F` and `%25`, which stay (in upper case).
  ///
  /// So a slash in the result is always a slash of the request, no escape can make up a segment, and
  /// no two requests that differ in meaning have the same path. `PathParameters` decodes the two.
  static func decode(_ path: UnsafeBufferPointer<UInt8>) throws(ProtocolError) -> String {
    var decoded: [UInt8] = []
    decoded.reserveCapacity(path.count)
    var index = 0
    while index < path.count {
      guard path[index] == UInt8(ascii: "%") else {
        decoded.append(path[index])
        index += 1
        continue
      }
      guard index + 2 < path.count, let high = hexDigit(path[index + 1]), let low = hexDigit(path[index + 2])
      else {
        throw .bad("expected two hexadecimal digits after % in the path; write a percent sign as %25")
      }
      let byte = high << 4 | low
      guard byte >= 0x20, byte != 0x7f else {
        throw .bad("the path holds an escaped control character, \(FieldSyntax.describe(byte))")
      }
      switch byte {
      case UInt8(ascii: "/"): decoded.append(contentsOf: "%2F".utf8)
      case UInt8(ascii: "%"): decoded.append(contentsOf: "%25".utf8)
      default: decoded.append(byte)
      }
      index += 3
    }
    guard let text = String(validating: decoded, as: UTF8.self) else {
      throw .bad("the escapes in the path do not decode to UTF-8; encode its text as UTF-8 first")
    }
    return text
  }

  static func hexDigit(_ byte: UInt8) -> UInt8? {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - 0x30
    case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - 0x61 + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - 0x41 + 10
    default: nil
    }
  }
}

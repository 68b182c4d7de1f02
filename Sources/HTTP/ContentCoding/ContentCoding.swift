/// A coding of content that the server can undo and apply (RFC 9110 section 8.4.1).
enum ContentCoding: Equatable {
  case identity
  case gzip
  /// The zlib format (RFC 1950); of a client also raw deflate data (RFC 1951), which some send.
  case deflate

  /// The codings that the server offers, in an `Accept-Encoding` field.
  static let offered: StaticString = "gzip, deflate"

  var name: StaticString {
    switch self {
    case .identity: "identity"
    case .gzip: "gzip"
    case .deflate: "deflate"
    }
  }

  /// The coding of that name, in letters of either case; nil if it is none of these.
  init?(_ name: UnsafeBufferPointer<UInt8>) {
    if FieldSyntax.equalIgnoringCase(name, "gzip") || FieldSyntax.equalIgnoringCase(name, "x-gzip") {
      self = .gzip
    } else if FieldSyntax.equalIgnoringCase(name, "deflate") {
      self = .deflate
    } else if FieldSyntax.equalIgnoringCase(name, "identity") {
      self = .identity
    } else {
      return nil
    }
  }

  /// What the `Content-Encoding` fields of a request say: one coding at most, beside `identity`.
  /// The error is answered 415.
  static func ofRequest(
    _ head: RequestHead, _ base: UnsafePointer<UInt8>
  ) throws(UnsupportedCoding) -> ContentCoding {
    var coding = ContentCoding.identity
    var fault: UnsupportedCoding?
    for field in head.fields where field.name.count == 16 {
      guard FieldSyntax.equalIgnoringCase(field.name.slice(of: base), "content-encoding") else { continue }
      FieldSyntax.forEachElement(field.value.slice(of: base)) { element in
        guard let next = ContentCoding(element) else {
          fault = UnsupportedCoding(
            message: "Content-Encoding \(FieldSyntax.excerpt(element)) is not supported; "
              + "expected gzip, deflate or identity")
          return false
        }
        if next == .identity { return true }
        guard coding == .identity else {
          fault = UnsupportedCoding(
            message: "Content-Encoding names several codings, \(coding.name) and \(next.name); "
              + "expected one at most: gzip, deflate or identity")
          return false
        }
        coding = next
        return true
      }
      if let fault { throw fault }
    }
    return coding
  }
}

/// A request whose body is coded in a way that the server cannot undo.
struct UnsupportedCoding: Error {
  let message: String

  /// 415 with what is supported (RFC 9110 section 12.5.3).
  var refusal: Refusal {
    Refusal(
      status: 415, message: message, headers: [("Accept-Encoding", ContentCoding.offered.description)])
  }
}

import HTTP
import JSON

/// Small questions about JSON text that is still to be read.
enum JSONText {
  /// The body without the mark of UTF-8 that some clients begin a text with (RFC 8259, section 8.1).
  static func body(of exchange: Exchange) -> UnsafeRawBufferPointer {
    let text = UnsafeRawBufferPointer(exchange.body)
    guard text.count >= 3, text[0] == 0xef, text[1] == 0xbb, text[2] == 0xbf else { return text }
    return UnsafeRawBufferPointer(rebasing: text[3...])
  }

  static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x0a || byte == 0x0d || byte == 0x09 }

  /// Whether the next value is `{"b64": "…"}` and nothing else, which stands for bytes.
  static func isBase64Object(_ reader: JSONReader) throws(JSONError) -> Bool {
    var reader = reader
    guard try reader.peekKind() == .object else { return false }
    try reader.beginObject()
    guard try reader.nextKey() == "b64", try reader.peekKind() == .string else { return false }
    _ = try reader.skipValue()
    return try reader.nextKey() == nil
  }

  /// Whether the next value is an object of names.
  static func isNamedObject(_ reader: JSONReader) throws(JSONError) -> Bool {
    var probe = reader
    guard try probe.peekKind() == .object else { return false }
    return try !isBase64Object(reader)
  }
}

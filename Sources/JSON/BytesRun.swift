extension JSONReader {
  /// `readRun` for BYTES: strings, and `{"b64": "…"}`.
  mutating func readStrings(_ builder: inout TensorBuilder, _ limit: Int, _ inList: Bool) -> RunEnd {
    while true {
      skipWhitespace()
      if let fault = readBytesElement(into: &builder) { return fault }
      guard inList else { return .closed }
      switch JSONReader.separator(&cursor, end) {
      case UInt8(ascii: ","): if builder.count == limit { return .full }
      case UInt8(ascii: "]"): return .closed
      default: return .separator
      }
    }
  }

  /// Nil when an element was read; else the fault, with the cursor at the element.
  private mutating func readBytesElement(into builder: inout TensorBuilder) -> RunEnd? {
    let first = cursor
    guard first < end else { return .element }
    do throws(StringFault) {
      switch first.pointee {
      case UInt8(ascii: "\""):
        let literal = try StringScanner.scan(&cursor, end)
        guard let room = builder.reservePayload(literal.contents.count) else { return .noMemory }
        builder.appendBytes(length: literal.decode(to: room))
        return nil
      case UInt8(ascii: "{"):
        let fault = try readBase64Object(into: &builder)
        if fault != nil { cursor = first }
        return fault
      default: return .element
      }
    } catch {
      cursor = first
      return .string(error)
    }
  }

  private mutating func readBase64Object(into builder: inout TensorBuilder) throws(StringFault) -> RunEnd? {
    cursor += 1
    guard let key = try scanPlainString(), key.string == "b64" else { return .element }
    skipWhitespace()
    guard cursor < end, cursor.pointee == UInt8(ascii: ":") else { return .element }
    cursor += 1
    guard let text = try scanPlainString() else { return .element }
    skipWhitespace()
    guard cursor < end, cursor.pointee == UInt8(ascii: "}") else { return .element }
    cursor += 1
    guard let room = builder.reservePayload(text.contents.count) else { return .noMemory }
    guard let length = Base64.decodeInPlace(room, count: text.decode(to: room)) else { return .base64 }
    builder.appendBytes(length: length)
    return nil
  }

  private mutating func scanPlainString() throws(StringFault) -> StringLiteral? {
    skipWhitespace()
    guard cursor < end, cursor.pointee == UInt8(ascii: "\"") else { return nil }
    return try StringScanner.scan(&cursor, end)
  }
}

import Tensors

/// Words for what came; only for errors.
extension JSONReader {
  private static let longestExcerpt = 40

  /// What stands at the cursor, in words or, for numbers and foreign characters, as it is.
  func describeNext() -> String {
    guard cursor < end else { return "the end of the text" }
    switch cursor.pointee {
    case UInt8(ascii: "{"): return "an object"
    case UInt8(ascii: "["): return "a list"
    case UInt8(ascii: "\""): return "a string"
    case UInt8(ascii: "t") where starts(with: "true"): return "true"
    case UInt8(ascii: "f") where starts(with: "false"): return "false"
    case UInt8(ascii: "n") where starts(with: "null"): return "null"
    case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "a")...UInt8(ascii: "z"):
      return excerpt()
    case 0x20..<0x7f: return "'\(Character(UnicodeScalar(cursor.pointee)))'"
    default: return "the byte 0x\(String(cursor.pointee, radix: 16))"
    }
  }

  private func starts(with word: StaticString) -> Bool {
    var position = cursor
    return Word.match(word, &position, end)
  }

  /// The letters, digits and signs at the cursor, cut where they are many.
  private func excerpt() -> String {
    var position = cursor
    while position < end, JSONReader.isWordByte(position.pointee) { position += 1 }
    let count = min(position - cursor, JSONReader.longestExcerpt)
    let text = String(decoding: UnsafeBufferPointer(start: cursor, count: count), as: UTF8.self)
    return count < position - cursor ? text + "…" : text
  }

  private static func isWordByte(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "."):
      true
    default: false
    }
  }

  /// The error that no element of `datatype` stands at the cursor.
  func elementFault(_ datatype: Datatype, path: String) -> JSONError {
    var message = "expected \(datatype.name), got \(describeNext())"
    var position = cursor
    if let number = NumberScanner.scan(&position, end) {
      if position < end, JSONReader.isWordByte(position.pointee) {
        message = "expected a number, got \(describeNext())"
      } else if isOutOfRange(number, from: cursor, to: position, datatype) {
        message += ", which is out of range"
      }
    }
    return JSONError(message: message, path: path, offset: offset)
  }

  private func isOutOfRange(
    _ number: DecimalNumber, from first: UnsafePointer<UInt8>, to last: UnsafePointer<UInt8>,
    _ datatype: Datatype
  ) -> Bool {
    switch datatype {
    case .bool, .bytes: return false
    case .fp16, .bf16, .fp32, .fp64: return true
    default:
      let text = UnsafeBufferPointer(start: first, count: last - first)
      return !text.contains { $0 == UInt8(ascii: ".") || $0 | 0x20 == UInt8(ascii: "e") }
    }
  }
}

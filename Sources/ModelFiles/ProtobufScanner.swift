/// The words of protobuf's text format.
struct ProtobufScanner {
  private let bytes: [UInt8]
  private var offset = 0
  private(set) var line = 1

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  var peek: UInt8? { offset < bytes.count ? bytes[offset] : nil }

  func fault(_ message: String) -> ConfigurationFault { ConfigurationFault("line \(line): \(message)") }

  mutating func advance() {
    if bytes[offset] == UInt8(ascii: "\n") { line += 1 }
    offset += 1
  }

  mutating func take(_ byte: UInt8) -> Bool {
    guard peek == byte else { return false }
    advance()
    return true
  }

  /// Skips white space and comments.
  mutating func skipSpace() {
    while let byte = peek {
      if byte == UInt8(ascii: "#") {
        while let byte = peek, byte != UInt8(ascii: "\n") { advance() }
      } else if byte == 0x20 || (0x09...0x0d).contains(byte) {
        advance()
      } else {
        return
      }
    }
  }

  /// The name of a field, or an extension's in brackets.
  mutating func name() throws(ConfigurationFault) -> String {
    let isExtension = peek == UInt8(ascii: "[")
    let start = offset
    while let byte = peek {
      let isPart = isExtension && [UInt8(ascii: "["), UInt8(ascii: "/")].contains(byte)
      if isExtension, byte == UInt8(ascii: "]") {
        advance()
        break
      }
      guard ProtobufScanner.isWordPart(byte) || isPart else { break }
      advance()
    }
    guard offset > start else { throw unexpected("the name of a field") }
    return String(decoding: bytes[start..<offset], as: UTF8.self)
  }

  /// A number, a word, or texts in quotes, which are put together.
  mutating func scalar() throws(ConfigurationFault) -> ProtobufField.Value {
    if let quote = peek, quote == UInt8(ascii: "\"") || quote == UInt8(ascii: "'") {
      var text: [UInt8] = []
      while let quote = peek, quote == UInt8(ascii: "\"") || quote == UInt8(ascii: "'") {
        try appendText(to: &text)
        skipSpace()
      }
      return .text(text)
    }
    var word = ""
    if take(UInt8(ascii: "-")) {
      word = "-"
      skipSpace()
    }
    let start = offset
    while let byte = peek,
      ProtobufScanner.isWordPart(byte) || byte == UInt8(ascii: "+") || byte == UInt8(ascii: "-")
    {
      advance()
    }
    guard offset > start else { throw unexpected("a value") }
    return .word(word + String(decoding: bytes[start..<offset], as: UTF8.self))
  }

  private func unexpected(_ wanted: String) -> ConfigurationFault {
    guard let byte = peek else { return fault("expected \(wanted), got the end of the text") }
    let isPlain = (0x21...0x7e).contains(byte)
    return fault(
      "expected \(wanted), got " + (isPlain ? "'\(Character(Unicode.Scalar(byte)))'" : "byte \(byte)"))
  }

  private static func isWordPart(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "."):
      true
    default: false
    }
  }

  private mutating func appendText(to text: inout [UInt8]) throws(ConfigurationFault) {
    let quote = bytes[offset]
    advance()
    while let byte = peek {
      advance()
      switch byte {
      case quote: return
      case UInt8(ascii: "\\"): try appendEscape(to: &text)
      case UInt8(ascii: "\n"): throw fault("a text in quotes goes over the end of its line")
      default: text.append(byte)
      }
    }
    throw fault("a text in quotes is not closed")
  }

  private mutating func appendEscape(to text: inout [UInt8]) throws(ConfigurationFault) {
    guard let byte = peek else { throw fault("a text in quotes is not closed") }
    advance()
    switch byte {
    case UInt8(ascii: "n"): text.append(0x0a)
    case UInt8(ascii: "t"): text.append(0x09)
    case UInt8(ascii: "r"): text.append(0x0d)
    case UInt8(ascii: "a"): text.append(0x07)
    case UInt8(ascii: "b"): text.append(0x08)
    case UInt8(ascii: "f"): text.append(0x0c)
    case UInt8(ascii: "v"): text.append(0x0b)
    case UInt8(ascii: "x"), UInt8(ascii: "X"): text.append(try byteValue(digits: 2, radix: 16, first: nil))
    case UInt8(ascii: "0")...UInt8(ascii: "7"): text.append(try byteValue(digits: 2, radix: 8, first: byte))
    case UInt8(ascii: "u"): try appendScalar(digits: 4, to: &text)
    case UInt8(ascii: "U"): try appendScalar(digits: 8, to: &text)
    case UInt8(ascii: "\\"), UInt8(ascii: "\""), UInt8(ascii: "'"), UInt8(ascii: "?"): text.append(byte)
    default: throw fault("'\\\(Character(Unicode.Scalar(byte)))' is no escape of a text in quotes")
    }
  }

  private mutating func digits(_ count: Int, radix: Int) -> String {
    var digits = ""
    while digits.utf8.count < count, let byte = peek, Character(Unicode.Scalar(byte)).isHexDigit,
      Int(String(Unicode.Scalar(byte)), radix: radix) != nil
    {
      digits.unicodeScalars.append(Unicode.Scalar(byte))
      advance()
    }
    return digits
  }

  private mutating func byteValue(digits count: Int, radix: Int, first: UInt8?) throws(ConfigurationFault)
    -> UInt8
  {
    let text = (first.map { String(Unicode.Scalar($0)) } ?? "") + digits(count, radix: radix)
    guard let value = UInt8(text, radix: radix) else { throw fault("expected digits of a byte in an escape") }
    return value
  }

  private mutating func appendScalar(digits count: Int, to text: inout [UInt8]) throws(ConfigurationFault) {
    let digits = digits(count, radix: 16)
    guard digits.utf8.count == count, let value = UInt32(digits, radix: 16),
      let scalar = Unicode.Scalar(value)
    else { throw fault("expected \(count) hexadecimal digits of a character in an escape") }
    text += Array(String(scalar).utf8)
  }
}

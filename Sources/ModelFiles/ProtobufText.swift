/// A field of a protobuf message, as text says it.
public struct ProtobufField: Sendable, Equatable {
  public indirect enum Value: Sendable, Equatable {
    /// A number or a word: `8`, `1.5`, `true`, `TYPE_FP32`.
    case word(String)
    /// A text in quotes, unescaped; it need not be UTF-8.
    case text([UInt8])
    case message([ProtobufField])
  }

  public var name: String
  public var value: Value
  /// Where the field begins, from 1; 0: nowhere that a person wrote.
  public var line: Int

  public init(_ name: String, _ value: Value, line: Int = 0) {
    self.name = name
    self.value = value
    self.line = line
  }
}

/// Reads protobuf's text format, with any field names: who asks for fields decides what they mean.
///
/// A repeated field is several fields of one name. Nesting is kept on a stack of its own, and depth and number of
/// fields are bounded, so no text can hurt.
public struct ProtobufText {
  public static let maximumDepth = 32
  public static let maximumFields = 100_000

  /// A message that has not ended yet.
  private struct Open {
    var name: String
    var line: Int
    /// What ends it: `}` or `>`; nothing for the whole text.
    var end: UInt8?
    /// Whether it is an element of a list, after which `,` or `]` comes.
    var isInList: Bool
    var fields: [ProtobufField] = []
  }

  private var scanner: ProtobufScanner
  private var open = [Open(name: "", line: 1, end: nil, isInList: false)]
  private var fieldCount = 0

  private init(_ bytes: [UInt8]) { scanner = ProtobufScanner(bytes) }

  /// The fields of the message that `bytes` are the text of. Throws what is wrong in which line.
  public static func fields(of bytes: [UInt8]) throws(ConfigurationFault) -> [ProtobufField] {
    var reader = ProtobufText(bytes)
    return try reader.read()
  }

  private mutating func read() throws(ConfigurationFault) -> [ProtobufField] {
    while true {
      scanner.skipSpace()
      guard let next = scanner.peek else {
        guard open.count == 1 else {
          throw scanner.fault(
            "'\(open[open.count - 1].name)' of line \(open[open.count - 1].line) is not closed")
        }
        return open[0].fields
      }
      if next == UInt8(ascii: ";") || next == UInt8(ascii: ",") {
        scanner.advance()
      } else if let end = open[open.count - 1].end, next == end {
        scanner.advance()
        try close()
      } else {
        try readField()
      }
    }
  }

  private mutating func readField() throws(ConfigurationFault) {
    let line = scanner.line
    let name = try scanner.name()
    scanner.skipSpace()
    let hasColon = scanner.take(UInt8(ascii: ":"))
    scanner.skipSpace()
    if scanner.take(UInt8(ascii: "[")) {
      scanner.skipSpace()
      if scanner.take(UInt8(ascii: "]")) { return }
      return try readElements(name, line)
    }
    if try begin(name, line, isInList: false) { return }
    guard hasColon else { throw scanner.fault("expected ':' or '{' after '\(name)'") }
    try add(ProtobufField(name, try scanner.scalar(), line: line))
  }

  /// The elements of a list, up to its end or to the next message in it.
  private mutating func readElements(_ name: String, _ line: Int) throws(ConfigurationFault) {
    while true {
      scanner.skipSpace()
      if try begin(name, line, isInList: true) { return }
      try add(ProtobufField(name, try scanner.scalar(), line: scanner.line))
      if try endsList() { return }
    }
  }

  private mutating func endsList() throws(ConfigurationFault) -> Bool {
    scanner.skipSpace()
    if scanner.take(UInt8(ascii: "]")) { return true }
    guard scanner.take(UInt8(ascii: ",")) else { throw scanner.fault("expected ',' or ']' in a list") }
    return false
  }

  /// Begins a message if one begins here.
  private mutating func begin(_ name: String, _ line: Int, isInList: Bool) throws(ConfigurationFault) -> Bool
  {
    let isBrace = scanner.take(UInt8(ascii: "{"))
    guard isBrace || scanner.take(UInt8(ascii: "<")) else { return false }
    guard open.count < ProtobufText.maximumDepth else {
      throw scanner.fault("messages are nested more than \(ProtobufText.maximumDepth) deep")
    }
    open.append(
      Open(name: name, line: line, end: UInt8(ascii: isBrace ? "}" : ">"), isInList: isInList))
    return true
  }

  private mutating func close() throws(ConfigurationFault) {
    let message = open.removeLast()
    try add(ProtobufField(message.name, .message(message.fields), line: message.line))
    if message.isInList, try !endsList() { try readElements(message.name, scanner.line) }
  }

  private mutating func add(_ field: ProtobufField) throws(ConfigurationFault) {
    fieldCount += 1
    guard fieldCount <= ProtobufText.maximumFields else {
      throw scanner.fault("more than \(ProtobufText.maximumFields) fields")
    }
    open[open.count - 1].fields.append(field)
  }
}

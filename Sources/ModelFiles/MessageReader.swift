/// Reads the fields of one message, and notes those that nobody reads.
struct MessageReader {
  /// The message's place, for people: `dynamic_batching` or `input[0]`; empty for the whole file.
  let place: String
  let fields: [ProtobufField]

  init(_ fields: [ProtobufField], place: String = "") {
    self.fields = fields
    self.place = place
  }

  /// A sentence about `field`: where it is, and what of it.
  func sentence(_ field: ProtobufField, _ what: String) -> String {
    let name = place.isEmpty ? field.name : "\(place).\(field.name)"
    return (field.line > 0 ? "line \(field.line): " : "") + "'\(name)' \(what)"
  }

  func fault(_ field: ProtobufField, _ expected: String) -> ConfigurationFault {
    let got =
      switch field.value {
      case .word(let word): "'\(word)'"
      case .text(let text): "\"\(String(decoding: text.prefix(100), as: UTF8.self))\""
      case .message: "a message"
      }
    return ConfigurationFault(sentence(field, "expected \(expected), got \(got)"))
  }

  /// The sentence for a field that has no effect here.
  func unknown(_ field: ProtobufField) -> String {
    sentence(field, "is no setting that is known, and has no effect")
  }

  func ignored(_ field: ProtobufField, because reason: String) -> String {
    sentence(field, "has no effect: \(reason)")
  }

  func message(_ field: ProtobufField, index: Int? = nil) throws(ConfigurationFault) -> MessageReader {
    guard case .message(let fields) = field.value else { throw fault(field, "a message in braces") }
    let name = place.isEmpty ? field.name : "\(place).\(field.name)"
    return MessageReader(fields, place: index.map { "\(name)[\($0)]" } ?? name)
  }

  func text(_ field: ProtobufField) throws(ConfigurationFault) -> String {
    guard case .text(let bytes) = field.value, let text = String(validating: bytes, as: UTF8.self) else {
      throw fault(field, "a text in quotes")
    }
    return text
  }

  /// A word, or a text as JSON writes the names of values.
  func word(_ field: ProtobufField) throws(ConfigurationFault) -> String {
    switch field.value {
    case .word(let word): return word
    case .text(let bytes): return String(decoding: bytes, as: UTF8.self)
    case .message: throw fault(field, "a word")
    }
  }

  func bool(_ field: ProtobufField) throws(ConfigurationFault) -> Bool {
    switch try word(field) {
    case "true", "True", "t", "1": return true
    case "false", "False", "f", "0": return false
    default: throw fault(field, "true or false")
    }
  }

  func integer(_ field: ProtobufField, _ range: ClosedRange<Int>) throws(ConfigurationFault) -> Int {
    let word = try word(field)
    let isHexadecimal = word.hasPrefix("0x") || word.hasPrefix("0X")
    guard let value = isHexadecimal ? Int(word.dropFirst(2), radix: 16) : Int(word), range.contains(value)
    else {
      let bounds =
        range.upperBound == .max
        ? "from \(range.lowerBound) on" : "from \(range.lowerBound) to \(range.upperBound)"
      throw fault(field, "a whole number \(bounds)")
    }
    return value
  }

  /// Microseconds, as nanoseconds.
  func microseconds(_ field: ProtobufField) throws(ConfigurationFault) -> Int64 {
    Int64(try integer(field, 0...(Int.max / 1000))) * 1000
  }

  /// The number in a message that holds nothing else: `{ value: 8 }`, or the number itself.
  func wrapped(_ field: ProtobufField, _ range: ClosedRange<Int>) throws(ConfigurationFault) -> Int {
    guard case .message = field.value else { return try integer(field, range) }
    let inner = try message(field)
    guard inner.fields.count == 1, inner.fields[0].name == "value" else {
      throw fault(field, "{ value: NUMBER }")
    }
    return try inner.integer(inner.fields[0], range)
  }

  /// The key and the value of a map's entry.
  func entry(_ field: ProtobufField) throws(ConfigurationFault) -> (
    key: ProtobufField, value: ProtobufField, MessageReader
  ) {
    let inner = try message(field)
    guard let key = inner.fields.first(where: { $0.name == "key" }),
      let value = inner.fields.first(where: { $0.name == "value" })
    else { throw fault(field, "{ key: …, value: … }") }
    return (key, value, inner)
  }
}

import JSON

extension ProtobufField {
  /// Fields that are maps: JSON has them as objects, the text format as entries of a key and a value.
  private static let maps: Set<String> = [
    "parameters", "inputs", "priority_queue_policy", "input_map", "output_map", "properties", "metric_tags",
    "version_labels",
  ]

  /// The fields of a message that is written as a JSON object, as protobuf's JSON form has them.
  static func fields(of members: [(String, JSONValue)]) throws(ConfigurationFault) -> [ProtobufField] {
    var fields: [ProtobufField] = []
    for (key, value) in members {
      let name = snakeCase(key)
      switch value {
      case .null: break
      case .array(let elements):
        for element in elements { fields.append(ProtobufField(name, try Value(element, of: name))) }
      case .object(let entries) where maps.contains(name):
        for (key, value) in entries {
          let entry = [
            ProtobufField("key", .text(Array(key.utf8))), ProtobufField("value", try Value(value, of: key)),
          ]
          fields.append(ProtobufField(name, .message(entry)))
        }
      default: fields.append(ProtobufField(name, try Value(value, of: name)))
      }
    }
    return fields
  }

  /// `maxBatchSize` is `max_batch_size`; names in snake case stay.
  private static func snakeCase(_ name: String) -> String {
    var result = ""
    for character in name {
      if character.isASCII, character.isUppercase, !result.isEmpty { result += "_" }
      result += character.isUppercase ? character.lowercased() : String(character)
    }
    return result
  }
}

extension ProtobufField.Value {
  init(_ value: JSONValue, of name: String) throws(ConfigurationFault) {
    switch value {
    case .bool(let value): self = .word(value ? "true" : "false")
    case .integer(let value): self = .word(String(value))
    case .double(let value): self = .word("\(value)")
    case .string(let text): self = .text(Array(text.utf8))
    case .object(let members): self = .message(try ProtobufField.fields(of: members))
    case .null, .array: throw ConfigurationFault("'\(name)': expected one value")
    }
  }
}

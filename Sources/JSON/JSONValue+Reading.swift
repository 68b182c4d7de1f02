import CJansson
import Glibc

extension JSONValue {
  /// What a document may hold unless the caller says otherwise: a value takes some hundred bytes.
  public static let defaultMaximumValues = 1 << 18

  /// Reads one document. Errors carry line, column and offset.
  ///
  /// Nesting deeper than `maximumDepth` (at most 64) and more values than `maximumValues` are refused
  /// before anything is allocated.
  public init(
    parsing bytes: UnsafeRawBufferPointer, maximumDepth: Int = JSONReader.deepest,
    maximumValues: Int = JSONValue.defaultMaximumValues
  ) throws(JSONError) {
    try DocumentSize(of: bytes).check(maximumDepth: maximumDepth, maximumValues: maximumValues)
    var error = json_error_t()
    let text = bytes.baseAddress?.assumingMemoryBound(to: CChar.self)
    let flags = Int(JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | JSON_ALLOW_NUL)
    guard let text, let tree = json_loadb(text, bytes.count, flags, &error) else {
      throw JSONValue.error(text == nil ? nil : error)
    }
    defer { swerve_json_release(tree) }
    self.init(tree)
  }

  /// A copy of a tree whose depth was checked.
  private init(_ tree: UnsafeMutablePointer<json_t>) {
    switch tree.pointee.type {
    case JSON_OBJECT: self = .object(JSONValue.members(of: tree))
    case JSON_ARRAY:
      self = .array((0..<json_array_size(tree)).compactMap { json_array_get(tree, $0).map(JSONValue.init) })
    case JSON_STRING:
      self = .string(JSONValue.string(json_string_value(tree), json_string_length(tree)))
    case JSON_INTEGER: self = .integer(Int64(json_integer_value(tree)))
    case JSON_REAL: self = .double(json_real_value(tree))
    case JSON_TRUE: self = .bool(true)
    case JSON_FALSE: self = .bool(false)
    default: self = .null
    }
  }

  private static func members(of object: UnsafeMutablePointer<json_t>) -> [(String, JSONValue)] {
    var members: [(String, JSONValue)] = []
    members.reserveCapacity(json_object_size(object))
    var iterator = json_object_iter(object)
    while let member = iterator {
      if let value = json_object_iter_value(member) {
        let key = json_object_iter_key(member)
        members.append((string(key, json_object_iter_key_len(member)), JSONValue(value)))
      }
      iterator = json_object_iter_next(object, member)
    }
    return members
  }

  private static func string(_ text: UnsafePointer<CChar>?, _ count: Int) -> String {
    let bytes = UnsafeRawBufferPointer(start: text, count: text == nil ? 0 : count)
    return String(decoding: bytes, as: UTF8.self)
  }

  private static func error(_ error: json_error_t?) -> JSONError {
    guard let error else { return JSONError(message: "expected a JSON document, got an empty text") }
    let message = withUnsafeBytes(of: error.text) { text in
      String(decoding: text.prefix { $0 != 0 }, as: UTF8.self)
    }
    let place = "line \(error.line), column \(error.column)"
    return JSONError(message: "\(message) (\(place))", offset: max(Int(error.position), 0))
  }
}

/// How deep and how large a document is, found without parsing it.
private struct DocumentSize {
  private(set) var depth = 0
  private(set) var values = 1
  /// jansson passes over a NUL behind a number, so it is looked for here.
  private var firstNUL: Int?

  /// Counts brackets and commas outside of strings: never too few for a document that is valid.
  init(of bytes: UnsafeRawBufferPointer) {
    var level = 0
    var isInString = false
    var isEscaped = false
    for (offset, byte) in bytes.enumerated() {
      if byte == 0, firstNUL == nil { firstNUL = offset }
      if isInString {
        if isEscaped {
          isEscaped = false
        } else if byte == UInt8(ascii: "\\") {
          isEscaped = true
        } else if byte == UInt8(ascii: "\"") {
          isInString = false
        }
        continue
      }
      switch byte {
      case UInt8(ascii: "\""): isInString = true
      case UInt8(ascii: "["), UInt8(ascii: "{"):
        level += 1
        depth = max(depth, level)
        values += 1
      case UInt8(ascii: "]"), UInt8(ascii: "}"): level -= 1
      case UInt8(ascii: ","): values += 1
      default: break
      }
    }
  }

  func check(maximumDepth: Int, maximumValues: Int) throws(JSONError) {
    if let firstNUL { throw JSONError(message: "expected JSON, got a NUL byte", offset: firstNUL) }
    let deepest = min(maximumDepth, JSONReader.deepest)
    guard depth <= deepest else {
      throw JSONError(message: "expected at most \(deepest) levels of nesting, got \(depth)")
    }
    guard values <= maximumValues else {
      throw JSONError(message: "expected at most \(maximumValues) values, got up to \(values)")
    }
  }
}

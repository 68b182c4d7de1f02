import HTTP
import JSON

/// Reads the small JSON objects that settings and the model repository are asked with.
extension Exchange {
  /// Bytes that such a body may have.
  static let maximumDocument = 65_536

  /// The members of the body; none if it is empty.
  func documentMembers() throws(APIFailure) -> [(String, JSONValue)] {
    guard body.count <= Exchange.maximumDocument else {
      throw APIFailure(
        413, "the body has \(body.count) bytes; at most \(Exchange.maximumDocument) are taken here")
    }
    return try JSONValue.members(ofBody: body)
  }
}

extension JSONValue {
  /// The members of the object in `body`; none if it is empty.
  static func members(ofBody body: UnsafeMutableRawBufferPointer) throws(APIFailure) -> [(String, JSONValue)]
  {
    let text = UnsafeRawBufferPointer(body)
    guard text.contains(where: { !JSONText.isSpace($0) }) else { return [] }
    let document: JSONValue
    do throws(JSONError) {
      document = try JSONValue(parsing: text, maximumDepth: 16, maximumValues: 4096)
    } catch {
      throw .badRequest("failed to parse the request JSON buffer: \(error.message)")
        .withTritonStatus(500)
    }
    guard case .object(let members) = document else {
      throw .badRequest(
        "failed to parse the request JSON buffer: expected a JSON object or no body, got \(document.kindName)"
      ).withTritonStatus(500)
    }
    return members
  }

  /// What kind of value it is, for a message.
  var kindName: String {
    switch self {
    case .null: "null"
    case .bool: "a boolean"
    case .integer, .double: "a number"
    case .string: "a string"
    case .array: "an array"
    case .object: "an object"
    }
  }

  /// The boolean at `path`; refused if it is something else.
  func boolean(at path: String) throws(APIFailure) -> Bool {
    guard case .bool(let value) = self else { throw mismatch(path, "true or false") }
    return value
  }

  /// The text at `path`; refused if it is something else.
  func text(at path: String) throws(APIFailure) -> String {
    guard case .string(let value) = self else { throw mismatch(path, "a string") }
    return value
  }

  /// The integer of 0 or more at `path`; refused if it is something else.
  func natural(at path: String) throws(APIFailure) -> Int {
    guard let whole, whole >= 0 else { throw mismatch(path, "an integer of 0 or more") }
    return whole
  }

  /// The integer that this is, 2.0 being one too; nil for anything else.
  var whole: Int? {
    switch self {
    case .integer(let value): Int(value)
    case .double(let value): Int(exactly: value)
    default: nil
    }
  }

  private func mismatch(_ path: String, _ expected: String) -> APIFailure {
    let got =
      if case .integer(let value) = self { String(value) } else { kindName }
    return .badRequest("\(excerpt(path)): expected \(expected), got \(got)").withTritonStatus(500)
  }
}

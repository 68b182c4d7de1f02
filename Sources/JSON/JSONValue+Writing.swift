public import Bytes
import CJansson

extension JSONValue {
  /// Appends the document; indented by two spaces where `pretty`.
  ///
  /// Numbers read back to the same value; NaN and the infinities, which JSON has no word for, become
  /// null. A member name that is repeated is written once, with its last value.
  public func write(to buffer: ByteBuffer, pretty: Bool = false) {
    guard let tree = makeTree() else { return }
    defer { swerve_json_release(tree) }
    let layout = pretty ? 2 : Int(JSON_COMPACT)
    // jansson writes all reals of a document with one number of digits: what the longest one needs.
    let precision = max(longestReal, 1) << 11
    let flags = layout | Int(JSON_ENCODE_ANY) | precision
    _ = json_dump_callback(
      tree,
      { text, count, buffer in
        guard let text, let buffer else { return 0 }
        let bytes = UnsafeRawBufferPointer(start: text, count: count)
        Unmanaged<ByteBuffer>.fromOpaque(buffer).takeUnretainedValue().append(bytes)
        return 0
      }, Unmanaged.passUnretained(buffer).toOpaque(), flags)
  }

  /// A jansson tree that the caller releases; nil when there is no memory.
  private func makeTree() -> UnsafeMutablePointer<json_t>? {
    switch self {
    case .null: return json_null()
    case .bool(let value): return value ? json_true() : json_false()
    case .integer(let value): return json_integer(json_int_t(value))
    case .double(let value): return value.isFinite ? json_real(value) : json_null()
    case .string(let value):
      return JSONValue.withCharacters(value) { json_stringn_nocheck($0, $1) }
    case .array(let elements):
      let array = json_array()
      for element in elements { json_array_append_new(array, element.makeTree()) }
      return array
    case .object(let members):
      let object = json_object()
      for (key, value) in members {
        _ = JSONValue.withCharacters(key) { json_object_setn_new_nocheck(object, $0, $1, value.makeTree()) }
      }
      return object
    }
  }

  private static func withCharacters<Result>(
    _ text: String, _ body: (UnsafePointer<CChar>, Int) -> Result
  ) -> Result {
    var text = text
    return text.withUTF8 { utf8 in
      utf8.withMemoryRebound(to: CChar.self) { characters in
        // An empty string may have no address, and jansson takes that for an error.
        guard let base = characters.baseAddress else { return "".withCString { body($0, 0) } }
        return body(base, characters.count)
      }
    }
  }

  /// The most significant digits that one of the reals in the document needs.
  private var longestReal: Int {
    switch self {
    case .double(let value) where value.isFinite && value != 0:
      Decimal.digitCount(ShortestDecimal(double: value.magnitude, PowersOfTen.table).significantDigits)
    case .array(let elements): elements.reduce(0) { max($0, $1.longestReal) }
    case .object(let members): members.reduce(0) { max($0, $1.1.longestReal) }
    default: 0
    }
  }
}

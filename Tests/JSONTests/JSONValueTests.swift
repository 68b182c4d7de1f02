import Bytes
import JSON
import Testing

private func parse(_ text: String) throws(JSONError) -> JSONValue {
  let bytes = Array(text.utf8)
  let result = bytes.withUnsafeBytes { bytes in
    Result { () throws(JSONError) in try JSONValue(parsing: bytes) }
  }
  return try result.get()
}

private func text(_ value: JSONValue, pretty: Bool = false) -> String {
  let buffer = ByteBuffer()
  value.write(to: buffer, pretty: pretty)
  return String(decoding: buffer.bytes, as: UTF8.self)
}

@Test func documentsAreReadWithTheirMembersInOrder() throws {
  let value = try parse(#" {"z":1,"a":[true,null,-2.5,"x\u0000\u00e9"],"m":{}} "#)
  #expect(value == ["z": 1, "a": [true, nil, -2.5, "x\u{0}é"], "m": [:]])
  #expect(value["a"]?[2] == .double(-2.5))
  #expect(value["b"] == nil)
  #expect(value["a"]?[4] == nil)
  #expect(try parse("\"x\"") == "x")
  #expect(try parse("9223372036854775807") == .integer(.max))
}

@Test func membersInAnotherOrderAreAnotherValue() {
  #expect(["a": 1, "b": 2] as JSONValue != ["b": 2, "a": 1])
  #expect(.integer(1) as JSONValue != .double(1))
}

@Test func documentsAreWrittenAsTheyWereRead() throws {
  for document in [
    #"{"z":1,"a":[true,null,-2.5,"x\u0000é\"\\"],"m":{},"":[]}"#, "[]", "\"\"", "3", "1e300", "-0.0",
    "{\"a\":0.1}",
  ] {
    #expect(try parse(text(try parse(document))) == (try parse(document)))
  }
  #expect(text(["a": 0.1, "b": [], "c": "é", "d": -0.0]) == #"{"a":0.1,"b":[],"c":"é","d":-0.0}"#)
  #expect(text(["a": [1, 2]], pretty: true) == "{\n  \"a\": [\n    1,\n    2\n  ]\n}")
  #expect(text([.double(.nan), .double(.infinity)]) == "[null,null]")
}

@Test func realsReadBackToTheSameValue() throws {
  for value in [0.1, 1.0 / 3, .leastNonzeroMagnitude, 1.7976931348623157e308, 123456789.123456789, 1e22, 100]
  {
    #expect(try parse(text([.double(value), 0.5])) == [.double(value), 0.5])
  }
}

@Test(arguments: [
  "", "{", "[1,]", "{\"a\":1,\"a\":2}", "NaN", "[Infinity]", "9223372036854775808", "1e999", "\"\\ud800\"",
  "1 2",
  "[\"\u{1}\"]", "nul",
])
func otherDocumentsAreRefused(document: String) {
  #expect(throws: JSONError.self) { try parse(document) }
}

@Test func faultsCarryLineAndColumn() throws {
  let error = error { () throws(JSONError) in _ = try parse("{\n  \"a\": 1,\n  \"b\": x\n}") }
  #expect(error?.message.contains("line 3, column") == true)
  #expect(error?.offset == 20)
}

@Test func depthAndSizeOfADocumentAreLimited() throws {
  func nested(_ depth: Int) -> String {
    String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
  }
  _ = try parse(nested(64))
  #expect(throws: JSONError(message: "expected at most 64 levels of nesting, got 65")) {
    try parse(nested(65))
  }
  #expect(throws: JSONError.self) { try parse(String(repeating: "[", count: 5_000_000)) }
  _ = try parse("[\"" + String(repeating: "[", count: 500) + "\\\"[\"]")
  let wide = "[" + Array(repeating: "1", count: 100).joined(separator: ",") + "]"
  let bytes = Array(wide.utf8)
  #expect(throws: JSONError.self) {
    try bytes.withUnsafeBytes { try JSONValue(parsing: $0, maximumValues: 99) }
  }
  _ = try bytes.withUnsafeBytes { try JSONValue(parsing: $0, maximumValues: 101) }
}

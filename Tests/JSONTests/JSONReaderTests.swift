import JSON
import Tensors
import Testing

/// The error of skipping the one value of a text.
private func skip(_ text: some Sequence<UInt8>) -> JSONError? {
  error { () throws(JSONError) in
    try read(text) { reader throws(JSONError) in
      _ = try reader.skipValue()
      try reader.finish()
    }
  }
}

@Test(arguments: [
  "0", "-0", "1.5e+3", "1E5", "0.1e-0", "true", "false", "null", "\"\"", "[]", "{}", " [ ] ",
  "[1, 2,\t3\r\n]",
  #"{"a":{"b":[{}]},"c":null}"#, #""\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00\u0000""#, "\"é€😀\"", "NaN",
  "-Infinity",
  "[NaN,Inf]",
])
func validTextIsSkipped(text: String) {
  #expect(skip(text.utf8) == nil)
}

@Test(arguments: [
  "", " ", "01", "-", "+1", ".5", "1.", "1e", "1e+", "1.e5", "--1", "tru", "True", "nul", "'a'", "[", "]",
  "[1", "[1,",
  "[1,]", "[,1]", "[1 2]", "{", "{a:1}", #"{"a"}"#, #"{"a":}"#, #"{"a":1,}"#, #"{"a":1 "b":2}"#, #"{,}"#,
  "[1}", "{]",
  "\"", "\"a", #""\x""#, #""\u12""#, #""\ud800""#, #""\ud800\u0041""#, #""\udc00""#, "\"\t\"", "1 2", "-NaN",
  "Infinit",
  "// a\n1", "0x10", "1_000", "\u{feff}1", #""\"#, #""\u"#, "nan", "-infinity",
])
func invalidTextIsRefused(text: String) {
  #expect(skip(text.utf8) != nil)
}

@Test(
  arguments: [
    [0xc0, 0x80], [0xc1, 0xbf], [0xe0, 0x80, 0x80], [0xe0, 0x9f, 0xbf], [0xed, 0xa0, 0x80],
    [0xf0, 0x80, 0x80, 0x80],
    [0xf4, 0x90, 0x80, 0x80], [0xf5, 0x80, 0x80, 0x80], [0xff], [0x80], [0xc3], [0xe2, 0x82],
    [0xf0, 0x9f, 0x98],
  ] as [[UInt8]])
func stringsThatAreNotUTF8AreRefused(bytes: [UInt8]) {
  for padding in 0..<9 {
    let plain = [UInt8](repeating: 0x61, count: padding)
    let text = [0x22] + plain + bytes + plain + [0x22]
    #expect(skip(text)?.message == "expected UTF-8 in a string")
  }
}

@Test func everyScalarPassesAsUTF8AndAsAnEscape() throws {
  for value in stride(from: UInt32(0x20), through: 0x10ffff, by: 37) {
    guard let scalar = UnicodeScalar(value), value != 0x22, value != 0x5c else { continue }
    let escape = scalar.utf16.map {
      "\\u" + String(repeating: "0", count: 4 - String($0, radix: 16).count)
        + String($0, radix: 16)
    }.joined()
    for text in [String(scalar), escape] {
      let string = try read("\"\(text)\"".utf8) { reader throws(JSONError) in try reader.readString() }
      #expect(string == String(scalar))
    }
  }
}

@Test func nestingIsLimited() throws {
  let deepest = String(repeating: "[", count: 64) + String(repeating: "]", count: 64)
  #expect(skip(deepest.utf8) == nil)
  let error = skip((String(repeating: "[", count: 65) + String(repeating: "]", count: 65)).utf8)
  #expect(error?.message == "expected at most 64 levels of nesting, got more")
  #expect(skip(String(repeating: #"{"a":["#, count: 500_000).utf8)?.offset == 6 * 32)
}

@Test func openListsCountTowardsTheDepthOfASkippedValue() throws {
  let text = "[[[1]]]"
  try Array(text.utf8).withUnsafeBytes { bytes in
    var reader = JSONReader(bytes, maximumDepth: 2)
    try reader.beginArray()
    #expect(try reader.nextElement())
    #expect(throws: JSONError.self) { try reader.skipValue() }
  }
}

@Test func membersAndElementsAreReadInTurn() throws {
  try read(
    #" { "a" : [ 1 , -2 ] , "b\n" : "x", "c":true,"d":null,"e":1.5,"f":18446744073709551615,"g":{} } "#.utf8
  ) {
    reader throws(JSONError) in
    try reader.beginObject()
    #expect(try reader.nextKey() == "a")
    try reader.beginArray()
    #expect(try reader.nextElement())
    #expect(try reader.readInt() == 1)
    #expect(try reader.nextElement())
    #expect(try reader.readInt() == -2)
    #expect(try !reader.nextElement())
    #expect(try reader.nextKey() == "b\n")
    #expect(try reader.readString() == "x")
    #expect(try reader.nextKey() == "c")
    #expect(try reader.readBool())
    #expect(try reader.nextKey() == "d")
    #expect(try reader.peekKind() == .null)
    try reader.readNull()
    #expect(try reader.nextKey() == "e")
    #expect(try reader.readDouble() == 1.5)
    #expect(try reader.nextKey() == "f")
    #expect(try reader.readUInt() == .max)
    #expect(try reader.nextKey() == "g")
    #expect(try reader.skipValue().count == 2)
    #expect(try reader.nextKey() == nil)
    try reader.finish()
  }
}

@Test func wrongKindsAreNamed() throws {
  func message(_ text: String, _ body: (inout JSONReader) throws(JSONError) -> Void) -> String? {
    error { () throws(JSONError) in try read(text.utf8, body) }?.message
  }
  #expect(message("[1]") { r throws(JSONError) in try r.beginObject() } == "expected an object, got a list")
  #expect(
    message("1.5") { r throws(JSONError) in _ = try r.readInt() } == "expected an integer (64 bits), got 1.5")
  #expect(
    message("-1") { r throws(JSONError) in _ = try r.readUInt() }
      == "expected an integer of zero or more (64 bits), got -1")
  #expect(
    message("9223372036854775808") { r throws(JSONError) in _ = try r.readInt() }
      == "expected an integer (64 bits), got 9223372036854775808")
  #expect(
    message("{}") { r throws(JSONError) in _ = try r.readString() } == "expected a string, got an object")
  #expect(
    message("nulll") { r throws(JSONError) in _ = try r.readBool() } == "expected true or false, got null")
  #expect(message("true") { r throws(JSONError) in _ = try r.readDouble() } == "expected a number, got true")
  #expect(
    message("") { r throws(JSONError) in _ = try r.peekKind() } == "expected a value, got the end of the text"
  )
}

@Test func aCopyOfAReaderIsABookmark() throws {
  try read("[1,2]".utf8) { reader throws(JSONError) in
    try reader.beginArray()
    let bookmark = reader
    #expect(try reader.nextElement())
    #expect(try reader.readInt() == 1)
    reader = bookmark
    #expect(try reader.nextElement())
    #expect(try reader.readInt() == 1)
  }
}

@Test func aRepeatedMemberIsNoticed() throws {
  var members = UniqueMembers()
  try members.note(0, "id", offset: 1)
  try members.note(63, "inputs", offset: 9)
  #expect(throws: JSONError(message: "expected 'id' once, got it twice", path: "request", offset: 20)) {
    try members.note(0, "id", path: "request", offset: 20)
  }
}

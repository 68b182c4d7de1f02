/// A cursor over one protobuf message inside a file: reads the wire format of
/// https://protobuf.dev/programming-guides/encoding and knows nothing of ONNX.
///
/// Every read is checked against the end of the message; offsets in errors count from the start of the
/// file.
struct ProtobufReader {
  enum WireType: UInt8 {
    case varint = 0
    case fixed64 = 1
    case bytes = 2
    case fixed32 = 5
  }

  struct Field {
    var number: Int
    var type: WireType
  }

  let file: UnsafeRawBufferPointer
  private(set) var position: Int
  let end: Int

  init(file: UnsafeRawBufferPointer) { self.init(file: file, range: 0..<file.count) }

  init(file: UnsafeRawBufferPointer, range: Range<Int>) {
    self.file = file
    position = range.lowerBound
    end = range.upperBound
  }

  var isAtEnd: Bool { position >= end }

  /// The next field's key; nil at the end of the message.
  mutating func nextField() throws -> Field? {
    if isAtEnd { return nil }
    let start = position
    let key = try varint()
    guard key >> 3 > 0, key >> 3 < 1 << 29 else {
      throw failure("field number \(key >> 3) is outside 1…536870911", at: start)
    }
    guard let type = WireType(rawValue: UInt8(key & 7)) else {
      throw failure("wire type \(key & 7) of field \(key >> 3) is none of 0, 1, 2, 5", at: start)
    }
    return Field(number: Int(key >> 3), type: type)
  }

  mutating func varint() throws -> UInt64 {
    let start = position
    var value: UInt64 = 0
    var shift: UInt64 = 0
    while position < end {
      let byte = file[position]
      position += 1
      value |= UInt64(byte & 0x7f) << shift
      if byte & 0x80 == 0 {
        if shift == 63 && byte > 1 { throw failure("a varint of more than 64 bits", at: start) }
        return value
      }
      shift += 7
      if shift > 63 { throw failure("a varint of more than 10 bytes", at: start) }
    }
    throw failure("the file ends within a varint", at: start)
  }

  mutating func fixed32() throws -> UInt32 {
    guard end - position >= 4 else { throw failure("the file ends within a 4-byte value", at: position) }
    defer { position += 4 }
    return UInt32(littleEndian: file.loadUnaligned(fromByteOffset: position, as: UInt32.self))
  }

  mutating func fixed64() throws -> UInt64 {
    guard end - position >= 8 else { throw failure("the file ends within an 8-byte value", at: position) }
    defer { position += 8 }
    return UInt64(littleEndian: file.loadUnaligned(fromByteOffset: position, as: UInt64.self))
  }

  /// Where the bytes of a length-delimited field lie in the file; the cursor moves behind them.
  mutating func bytes() throws -> Range<Int> {
    let start = position
    let length = try varint()
    guard length <= UInt64(end - position) else {
      throw failure(
        "a length of \(length) bytes where \(end - position) are left: the file is cut short or damaged",
        at: start)
    }
    defer { position += Int(length) }
    return position..<position + Int(length)
  }

  mutating func message() throws -> ProtobufReader { ProtobufReader(file: file, range: try bytes()) }

  mutating func string(atMost limit: Int) throws -> String {
    let range = try bytes()
    guard range.count <= limit else {
      throw ONNXError(
        .limit, "at byte \(range.lowerBound): a text of \(range.count) bytes; at most \(limit) are accepted")
    }
    guard let text = String(validating: UnsafeRawBufferPointer(rebasing: file[range]), as: UTF8.self) else {
      throw failure("a text that is not UTF-8", at: range.lowerBound)
    }
    return text
  }

  mutating func skip(_ type: WireType) throws {
    switch type {
    case .varint: _ = try varint()
    case .fixed32: _ = try fixed32()
    case .fixed64: _ = try fixed64()
    case .bytes: _ = try bytes()
    }
  }

  /// Fails unless `field` has the wire type `type`.
  func expect(_ field: Field, _ type: WireType) throws {
    if field.type != type {
      throw failure(
        "field \(field.number) has wire type \(field.type.rawValue), expected \(type.rawValue)", at: position)
    }
  }

  func failure(_ reason: String, at offset: Int) -> ONNXError {
    ONNXError(.malformed, "at byte \(offset): \(reason)")
  }
}

extension ProtobufReader {
  /// An int64 or int32 field (two's complement in a varint).
  mutating func integer(_ field: Field) throws -> Int {
    try expect(field, .varint)
    return Int(Int64(bitPattern: try varint()))
  }

  mutating func float(_ field: Field) throws -> Float {
    try expect(field, .fixed32)
    return Float(bitPattern: try fixed32())
  }

  /// One element or a packed run of a repeated integer field.
  mutating func integers(_ field: Field, each: (Int) throws -> Void) throws {
    if field.type == .varint { return try each(Int(Int64(bitPattern: try varint()))) }
    try expect(field, .bytes)
    var run = try message()
    while !run.isAtEnd { try each(Int(Int64(bitPattern: try run.varint()))) }
  }

  /// One element or a packed run of a repeated float field.
  mutating func floats(_ field: Field, each: (Float) throws -> Void) throws {
    if field.type == .fixed32 { return try each(Float(bitPattern: try fixed32())) }
    try expect(field, .bytes)
    var run = try message()
    while !run.isAtEnd { try each(Float(bitPattern: try run.fixed32())) }
  }

  /// One element or a packed run of a repeated double field.
  mutating func doubles(_ field: Field, each: (Double) throws -> Void) throws {
    if field.type == .fixed64 { return try each(Double(bitPattern: try fixed64())) }
    try expect(field, .bytes)
    var run = try message()
    while !run.isAtEnd { try each(Double(bitPattern: try run.fixed64())) }
  }

  mutating func text(_ field: Field, atMost limit: Int) throws -> String {
    try expect(field, .bytes)
    return try string(atMost: limit)
  }

  mutating func message(_ field: Field) throws -> ProtobufReader {
    try expect(field, .bytes)
    return try message()
  }
}

extension JSONReader {
  public mutating func readString() throws(JSONError) -> String {
    try scanString("a string").string
  }

  /// The same, not copied.
  public mutating func readText() throws(JSONError) -> JSONText { JSONText(try scanString("a string")) }

  public mutating func readBool() throws(JSONError) -> Bool {
    skipWhitespace()
    if Word.match("true", &cursor, end) { return true }
    if Word.match("false", &cursor, end) { return false }
    throw expected("true or false")
  }

  public mutating func readNull() throws(JSONError) {
    skipWhitespace()
    guard Word.match("null", &cursor, end) else { throw expected("null") }
  }

  /// An integer without fraction or exponent that fits.
  public mutating func readInt() throws(JSONError) -> Int64 { try readNumber("an integer (64 bits)") }

  /// An integer without sign, fraction or exponent that fits.
  public mutating func readUInt() throws(JSONError) -> UInt64 {
    try readNumber("an integer of zero or more (64 bits)")
  }

  /// Any number, `NaN` and the infinities included; a literal too large for a `Double` is refused.
  public mutating func readDouble() throws(JSONError) -> Double { try readNumber("a number") }

  private mutating func readNumber<Number: TensorElement>(_ what: StaticString) throws(JSONError) -> Number {
    skipWhitespace()
    var position = cursor
    guard let number = Number.parse(&position, end, NumberTables()) else { throw expected(what) }
    cursor = position
    return number
  }

  /// Skips one value, checking its grammar, and returns its bytes.
  public mutating func skipValue() throws(JSONError) -> UnsafeRawBufferPointer {
    skipWhitespace()
    let first = cursor
    // A bit for each open level of the value: whether it is an object.
    var objects: UInt64 = 0
    var level = 0
    repeat {
      if try openOrSkip(&objects, &level) { continue }
      try closeLevels(&objects, &level)
    } while level > 0
    return UnsafeRawBufferPointer(start: first, count: cursor - first)
  }

  /// Skips a scalar or an empty list or object (answer false), or enters a list or object up to its
  /// first value (answer true).
  private mutating func openOrSkip(_ objects: inout UInt64, _ level: inout Int) throws(JSONError) -> Bool {
    skipWhitespace()
    let kind = try peekKind()
    guard kind == .object || kind == .array else {
      try skipScalar(kind)
      return false
    }
    guard allows(levels: level + 1) else { throw tooDeep() }
    cursor += 1
    skipWhitespace()
    let isObject = kind == .object
    if cursor < end, cursor.pointee == (isObject ? UInt8(ascii: "}") : UInt8(ascii: "]")) {
      cursor += 1
      return false
    }
    objects = isObject ? objects | 1 &<< UInt64(level) : objects & ~(1 &<< UInt64(level))
    level += 1
    if isObject { try skipKey() }
    return true
  }

  /// Behind a value: moves to the next one of the innermost open level, closing what ends here.
  private mutating func closeLevels(_ objects: inout UInt64, _ level: inout Int) throws(JSONError) {
    while level > 0 {
      skipWhitespace()
      let isObject = objects & 1 &<< UInt64(level - 1) != 0
      guard cursor < end else { throw expected(isObject ? "',' or '}'" : "',' or ']'") }
      if cursor.pointee == UInt8(ascii: ",") {
        cursor += 1
        if isObject { try skipKey() }
        return
      }
      guard cursor.pointee == (isObject ? UInt8(ascii: "}") : UInt8(ascii: "]")) else {
        throw expected(isObject ? "',' or '}'" : "',' or ']'")
      }
      cursor += 1
      level -= 1
    }
  }

  private mutating func skipKey() throws(JSONError) {
    _ = try scanString("a member name")
    try expectColon()
  }

  private mutating func skipScalar(_ kind: Kind) throws(JSONError) {
    switch kind {
    case .string: _ = try scanString("a string")
    case .bool: _ = try readBool()
    case .null: try readNull()
    default:
      var position = cursor
      if NumberScanner.scan(&position, end) == nil {
        position = cursor
        guard Word.matchFloat(&position, end) != nil else { throw expected("a number") }
      }
      cursor = position
    }
  }
}

import Tensors

/// An element of a floating datatype, rounded from decimal text in one step.
protocol FloatElement: TensorElement {
  static var format: FloatFormat { get }
  init(pattern: UInt64)
  init(word: Double)
  /// The short way for numbers that ordinary arithmetic rounds right; nil for the others.
  static func quick(_ number: DecimalNumber, _ tables: borrowing NumberTables) -> Self?
  /// The bits, without sign, by way of the C library.
  static func slowMagnitude(from start: UnsafePointer<UInt8>, to end: UnsafePointer<UInt8>) -> UInt64
}

extension FloatElement {
  @inline(__always)
  static func quick(_ number: DecimalNumber, _ tables: borrowing NumberTables) -> Self? { nil }

  @inline(__always)
  static func parse(
    _ cursor: inout UnsafePointer<UInt8>, _ end: UnsafePointer<UInt8>, _ tables: borrowing NumberTables
  ) -> Self? {
    let start = cursor
    if end - cursor >= NumberScanner.commonRoom, let number = NumberScanner.scanCommon(&cursor, end) {
      if let value = quick(number, tables) { return value }
      return rounded(number, tables, start, cursor)
    }
    return parseAny(&cursor, end, tables)
  }

  /// The same for every text.
  @inline(never)
  private static func parseAny(
    _ cursor: inout UnsafePointer<UInt8>, _ end: UnsafePointer<UInt8>, _ tables: borrowing NumberTables
  ) -> Self? {
    let start = cursor
    guard let number = NumberScanner.scan(&cursor, end) else {
      cursor = start
      return Word.matchFloat(&cursor, end).map { Self(word: $0) }
    }
    if let value = quick(number, tables) { return value }
    return rounded(number, tables, start, cursor)
  }

  @inline(never)
  private static func rounded(
    _ number: DecimalNumber, _ tables: borrowing NumberTables, _ start: UnsafePointer<UInt8>,
    _ end: UnsafePointer<UInt8>
  ) -> Self? {
    let magnitude = decided(number, tables) ?? slowMagnitude(from: start, to: end)
    guard magnitude < format.infinity else { return nil }
    let sign: UInt64 = number.isNegative ? 1 << UInt64(format.fractionBits + format.exponentBits) : 0
    return Self(pattern: magnitude | sign)
  }

  @inline(__always)
  private static func decided(_ number: DecimalNumber, _ tables: borrowing NumberTables) -> UInt64? {
    let lower = DecimalRounding.round(number.digits, exponent: number.exponent, to: format, tables.powers)
    guard number.isTruncated, let lower else { return lower }
    let upper = DecimalRounding.round(number.digits + 1, exponent: number.exponent, to: format, tables.powers)
    return lower == upper ? lower : nil
  }
}

extension Double: FloatElement {
  static var format: FloatFormat { .fp64 }
  init(pattern: UInt64) { self.init(bitPattern: pattern) }
  init(word: Double) { self = word }

  /// Both operands are exact, so the one operation rounds right.
  @inline(__always)
  static func quick(_ number: DecimalNumber, _ tables: borrowing NumberTables) -> Double? {
    guard number.digits <= 1 << 53, number.exponent.magnitude < UInt(PowersOfTen.exactDoubleCount),
      !number.isTruncated
    else { return nil }
    let digits = Double(Int64(truncatingIfNeeded: number.digits))
    let power = tables.exactDoubles[Int(number.exponent.magnitude)]
    let value = number.exponent < 0 ? digits / power : digits * power
    return Double(bitPattern: value.bitPattern | number.signBit << 63)
  }

  static func slowMagnitude(from start: UnsafePointer<UInt8>, to end: UnsafePointer<UInt8>) -> UInt64 {
    NumberFallback.double(from: start, to: end).magnitude.bitPattern
  }
}

extension Float: FloatElement {
  static var format: FloatFormat { .fp32 }
  init(pattern: UInt64) { self.init(bitPattern: UInt32(truncatingIfNeeded: pattern)) }
  init(word: Double) { self = Float(word) }

  /// Two roundings of `Double` (the digits, then the product) err by less than two of its last
  /// units; where no halfway point between two `Float`s is that near, rounding once more is right.
  /// A `Double` of at least 10^-22 is no subnormal `Float`, so the halfway points are where the
  /// lower 29 bits are 2^28.
  @inline(__always)
  static func quick(_ number: DecimalNumber, _ tables: borrowing NumberTables) -> Float? {
    // The conversion of a signed number is one instruction.
    guard number.exponent.magnitude < UInt(PowersOfTen.exactDoubleCount), !number.isTruncated,
      number.digits <= UInt64(Int64.max)
    else { return nil }
    let digits = Double(Int64(truncatingIfNeeded: number.digits))
    let power = tables.exactDoubles[Int(number.exponent.magnitude)]
    let wide = number.exponent < 0 ? digits / power : digits * power
    let belowFloat = wide.bitPattern & 0x1fff_ffff
    guard belowFloat &- 0x0fff_fffe > 4 else { return nil }
    let value = Float(wide)
    guard value < .infinity else { return nil }
    return Float(bitPattern: value.bitPattern | UInt32(truncatingIfNeeded: number.signBit) << 31)
  }

  static func slowMagnitude(from start: UnsafePointer<UInt8>, to end: UnsafePointer<UInt8>) -> UInt64 {
    UInt64(NumberFallback.float(from: start, to: end).magnitude.bitPattern)
  }
}

extension FP16: FloatElement {
  static var format: FloatFormat { .fp16 }
  init(pattern: UInt64) { self.init(bits: UInt16(truncatingIfNeeded: pattern)) }
  init(word: Double) { self.init(Float(word)) }

  static func slowMagnitude(from start: UnsafePointer<UInt8>, to end: UnsafePointer<UInt8>) -> UInt64 {
    UInt64(FP16(halfRounded(from: start, to: end)).bits & 0x7fff)
  }
}

extension BF16: FloatElement {
  static var format: FloatFormat { .bf16 }
  init(pattern: UInt64) { self.init(bits: UInt16(truncatingIfNeeded: pattern)) }
  init(word: Double) { self.init(Float(word)) }

  static func slowMagnitude(from start: UnsafePointer<UInt8>, to end: UnsafePointer<UInt8>) -> UInt64 {
    UInt64(BF16(halfRounded(from: start, to: end)).bits & 0x7fff)
  }
}

/// The number as a `Float` that rounds on to 16 bits as the number itself would: every bit that was
/// lost on the way is folded into the last one kept.
private func halfRounded(from start: UnsafePointer<UInt8>, to end: UnsafePointer<UInt8>) -> Float {
  let wide = NumberFallback.roundedToOdd(from: start, to: end)
  let narrow = Float(wide)
  guard Double(narrow) != wide, narrow.bitPattern & 1 == 0 else { return narrow }
  return Double(narrow) < wide ? narrow.nextUp : narrow.nextDown
}

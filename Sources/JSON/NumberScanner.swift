/// A number as its text says it: `digits` × 10^`exponent`.
struct DecimalNumber {
  /// The first 19 significant digits.
  var digits: UInt64 = 0
  var exponent = 0
  var isNegative = false
  /// Digits other than zero follow the first 19: the number lies between `digits` and `digits` + 1.
  var isTruncated = false

  /// 1 if it is negative. Signs are hard to foretell, so that a branch for them would take longer than all else.
  @inline(__always)
  var signBit: UInt64 { isNegative ? 1 : 0 }
}

/// Scans numbers of RFC 8259 section 6 in memory that has no terminator.
enum NumberScanner {
  /// The most digits that always fit in a `UInt64`.
  static let exactDigits = 19
  /// Exponents beyond this are all the same: no text is long enough to bring them back in range.
  private static let exponentLimit = 1 << 56

  /// Bytes that `scanCommon` looks at in any case, and those that it does if the fraction has eight digits or more.
  static let commonRoom = 18
  private static let longRoom = 26

  /// As `scan`, of the numbers that tensors mostly hold: at most seven digits before the point, nineteen in all,
  /// no exponent. Nil, with `cursor` where it was, for any other text. Precondition: `commonRoom` bytes are there.
  @inline(__always)
  static func scanCommon(_ cursor: inout UnsafePointer<UInt8>, _ end: UnsafePointer<UInt8>) -> DecimalNumber?
  {
    var number = DecimalNumber()
    number.isNegative = cursor.pointee == UInt8(ascii: "-")
    var position = cursor + (number.isNegative ? 1 : 0)
    var digits = 1
    if position[1] == UInt8(ascii: ".") {
      let digit = position.pointee &- UInt8(ascii: "0")
      guard digit <= 9 else { return nil }
      number.digits = UInt64(digit)
    } else {
      let word = EightDigits(at: position)
      digits = word.count
      // A zero before other digits is no JSON; a number may go on behind eight.
      guard UInt(bitPattern: digits &- 1) < 7, position.pointee != UInt8(ascii: "0") || digits == 1 else {
        return nil
      }
      number.digits = word.first(digits).value
    }
    position += digits
    if position.pointee == UInt8(ascii: ".") {
      position += 1
      let fraction = scanCommonFraction(&position, end, &number.digits)
      guard fraction > 0, digits &+ fraction <= exactDigits else { return nil }
      number.exponent = 0 &- fraction
    }
    guard position.pointee | 0x20 != UInt8(ascii: "e") else { return nil }
    cursor = position
    return number
  }

  /// Appends the digits at `position` and returns their number, or one above `exactDigits` if there are more, or may be
  /// where the text ends.
  @inline(__always)
  private static func scanCommonFraction(
    _ position: inout UnsafePointer<UInt8>, _ end: UnsafePointer<UInt8>, _ value: inout UInt64
  ) -> Int {
    let start = position
    var word = EightDigits(at: position)
    if word.count == 8 {
      guard end - position >= longRoom else { return exactDigits &+ 1 }
      value = value &* 100_000_000 &+ word.value
      position += 8
      word = EightDigits(at: position)
      if word.count == 8 {
        value = value &* 100_000_000 &+ word.value
        position += 8
        word = EightDigits(at: position)
        guard word.count < 8 else { return exactDigits &+ 1 }
      }
    }
    let count = word.count
    value = value &* EightDigits.scale(count) &+ word.leading(count)
    position += count
    return position - start
  }

  /// Reads a number at `cursor` and moves behind it; nil, with `cursor` anywhere, where none stands.
  @inline(__always)
  static func scan(_ cursor: inout UnsafePointer<UInt8>, _ end: UnsafePointer<UInt8>) -> DecimalNumber? {
    var number = DecimalNumber()
    let start = cursor
    if cursor < end, cursor.pointee == UInt8(ascii: "-") {
      number.isNegative = true
      cursor += 1
    }
    var digitCount = scanInteger(&cursor, end, &number.digits)
    guard digitCount > 0 else { return nil }
    if cursor < end, cursor.pointee == UInt8(ascii: ".") {
      cursor += 1
      let fraction = scanDigits(&cursor, end, &number.digits)
      guard fraction > 0 else { return nil }
      number.exponent = 0 &- fraction
      digitCount &+= fraction
    }
    if cursor < end, cursor.pointee | 0x20 == UInt8(ascii: "e") {
      guard let exponent = scanExponent(&cursor, end) else { return nil }
      number.exponent &+= exponent
    }
    if digitCount > exactDigits { keepLeadingDigits(of: &number, from: start, to: cursor) }
    return number
  }

  /// Digits before a point: a single zero, or any that do not begin with zero. Returns their number.
  @inline(__always)
  static func scanInteger(
    _ cursor: inout UnsafePointer<UInt8>, _ end: UnsafePointer<UInt8>, _ value: inout UInt64
  ) -> Int {
    guard cursor < end else { return 0 }
    let first = cursor.pointee &- UInt8(ascii: "0")
    guard first <= 9 else { return 0 }
    cursor += 1
    if first == 0 { return 1 }
    value = UInt64(first)
    return 1 &+ scanDigits(&cursor, end, &value)
  }

  /// Appends all digits at `cursor` to `value`, wrapping where they are too many, eight a step.
  /// Returns their number.
  @inline(__always)
  static func scanDigits(
    _ cursor: inout UnsafePointer<UInt8>, _ end: UnsafePointer<UInt8>, _ value: inout UInt64
  ) -> Int {
    let start = cursor
    while end - cursor >= 8 {
      let word = EightDigits(at: cursor)
      let count = word.count
      if count == 8 {
        value = value &* 100_000_000 &+ word.value
        cursor += 8
        continue
      }
      if count > 0 {
        value = value &* EightDigits.scale(count) &+ word.first(count).value
        cursor += count
      }
      return cursor - start
    }
    while cursor < end, cursor.pointee &- UInt8(ascii: "0") <= 9 {
      value = value &* 10 &+ UInt64(cursor.pointee &- UInt8(ascii: "0"))
      cursor += 1
    }
    return cursor - start
  }

  @inline(never)
  private static func scanExponent(
    _ cursor: inout UnsafePointer<UInt8>, _ end: UnsafePointer<UInt8>
  ) -> Int? {
    cursor += 1
    guard cursor < end else { return nil }
    let isNegative = cursor.pointee == UInt8(ascii: "-")
    if isNegative || cursor.pointee == UInt8(ascii: "+") { cursor += 1 }
    let start = cursor
    var exponent = 0
    while cursor < end, cursor.pointee &- UInt8(ascii: "0") <= 9 {
      exponent = min(exponent * 10 + Int(cursor.pointee &- UInt8(ascii: "0")), exponentLimit)
      cursor += 1
    }
    guard cursor > start else { return nil }
    return isNegative ? -exponent : exponent
  }

  /// Replaces the digits of `number`, which wrapped, by the first 19 significant ones of its text.
  @inline(never)
  private static func keepLeadingDigits(
    of number: inout DecimalNumber, from start: UnsafePointer<UInt8>, to end: UnsafePointer<UInt8>
  ) {
    number.digits = 0
    var kept = 0
    var cursor = start
    while cursor < end, cursor.pointee | 0x20 != UInt8(ascii: "e") {
      let digit = cursor.pointee &- UInt8(ascii: "0")
      cursor += 1
      guard digit <= 9 else { continue }
      if kept == exactDigits {
        number.exponent += 1
        if digit != 0 { number.isTruncated = true }
      } else if digit != 0 || kept > 0 {
        number.digits = number.digits * 10 + UInt64(digit)
        kept += 1
      }
    }
  }
}

/// Eight bytes of text, the digit values in the low bits of each, first digit lowest.
struct EightDigits {
  private let lanes: UInt64

  @inline(__always)
  init(at cursor: UnsafePointer<UInt8>) {
    let word = UnsafeRawPointer(cursor).loadUnaligned(as: UInt64.self)
    lanes = UInt64(littleEndian: word) ^ 0x3030_3030_3030_3030
  }

  @inline(__always)
  private init(lanes: UInt64) { self.lanes = lanes }

  /// How many of the bytes, from the first, are digits.
  @inline(__always)
  var count: Int {
    let above = (lanes & 0x7f7f_7f7f_7f7f_7f7f) &+ 0x7676_7676_7676_7676
    return ((above | lanes) & 0x8080_8080_8080_8080).trailingZeroBitCount >> 3
  }

  /// The first `count` digits (at least one) with zeros before them.
  @inline(__always)
  func first(_ count: Int) -> EightDigits { EightDigits(lanes: lanes &<< UInt64(64 &- 8 &* count)) }

  /// The number that the first `count` digits say, below eight of them; 0 for none.
  @inline(__always)
  func leading(_ count: Int) -> UInt64 {
    // In two steps, since eight bytes are no shift.
    EightDigits(lanes: (lanes &<< UInt64(56 &- 8 &* count)) &<< 8).value
  }

  /// The number that eight digits say.
  @inline(__always)
  var value: UInt64 {
    let pairs = lanes &* 10 &+ lanes >> 8
    let mask: UInt64 = 0x0000_00ff_0000_00ff
    let upper = (pairs & mask) &* (100 + 1_000_000 << 32)
    let lower = (pairs >> 16 & mask) &* (1 + 10_000 << 32)
    return (upper &+ lower) >> 32
  }

  /// 10^`count` for a count below eight.
  @inline(__always)
  static func scale(_ count: Int) -> UInt64 {
    // 1, 10, 100, 1000 picked from packed lanes, times 1 or 10,000.
    let packed: UInt64 = 0x03e8_0064_000a_0001
    let small = packed &>> UInt64((count & 3) &* 16) & 0xffff
    return count & 4 == 0 ? small : small &* 10_000
  }
}

import Tensors

/// Tables that number parsing reads; a copy on the stack spares the hot loops the once-check of globals.
struct NumberTables {
  let powers = PowersOfTen.table
  let exactDoubles = PowersOfTen.exactDoubles
}

/// A tensor element that has a JSON form of its own.
protocol TensorElement {
  /// Reads an element at `cursor` and moves behind it. Nil where none stands that fits, with
  /// `cursor` anywhere.
  static func parse(
    _ cursor: inout UnsafePointer<UInt8>, _ end: UnsafePointer<UInt8>, _ tables: borrowing NumberTables
  ) -> Self?
}

/// An element of a BOOL tensor: `true`, `false`, 1 or 0, kept as one byte.
struct BoolElement: TensorElement {
  let byte: UInt8

  @inline(__always)
  static func parse(
    _ cursor: inout UnsafePointer<UInt8>, _ end: UnsafePointer<UInt8>, _ tables: borrowing NumberTables
  ) -> BoolElement? {
    guard cursor < end else { return nil }
    switch cursor.pointee {
    case UInt8(ascii: "t"): return Word.match("true", &cursor, end) ? BoolElement(byte: 1) : nil
    case UInt8(ascii: "f"): return Word.match("false", &cursor, end) ? BoolElement(byte: 0) : nil
    case UInt8(ascii: "0"), UInt8(ascii: "1"):
      let byte = cursor.pointee - UInt8(ascii: "0")
      cursor += 1
      let isWhole = cursor == end || !Word.continuesNumber(cursor.pointee)
      return isWhole ? BoolElement(byte: byte) : nil
    default: return nil
    }
  }
}

extension TensorElement where Self: FixedWidthInteger {
  @inline(__always)
  static func parse(
    _ cursor: inout UnsafePointer<UInt8>, _ end: UnsafePointer<UInt8>, _ tables: borrowing NumberTables
  ) -> Self? {
    guard cursor < end else { return nil }
    let isNegative = cursor.pointee == UInt8(ascii: "-")
    if isNegative { cursor += 1 }
    let first = cursor
    var magnitude: UInt64 = 0
    let count = NumberScanner.scanInteger(&cursor, end, &magnitude)
    guard count > 0, cursor == end || !Word.continuesNumber(cursor.pointee) else { return nil }
    if count > NumberScanner.exactDigits {
      guard let exact = wideInteger(first, count) else { return nil }
      magnitude = exact
    }
    guard isNegative else { return Self(exactly: magnitude) }
    guard magnitude <= UInt64(truncatingIfNeeded: Self.min.magnitude) else { return nil }
    return Self(truncatingIfNeeded: 0 &- magnitude)
  }
}

/// The value of `count` digits, if a `UInt64` holds it.
@inline(never)
private func wideInteger(_ digits: UnsafePointer<UInt8>, _ count: Int) -> UInt64? {
  var value: UInt64 = 0
  for index in 0..<count {
    let (product, overflow) = value.multipliedReportingOverflow(by: 10)
    let (sum, carry) = product.addingReportingOverflow(UInt64(digits[index] - UInt8(ascii: "0")))
    if overflow || carry { return nil }
    value = sum
  }
  return value
}

extension Int8: TensorElement {}
extension Int16: TensorElement {}
extension Int32: TensorElement {}
extension Int64: TensorElement {}
extension UInt8: TensorElement {}
extension UInt16: TensorElement {}
extension UInt32: TensorElement {}
extension UInt64: TensorElement {}

/// Bare words of JSON and of the peers' number syntax.
enum Word {
  /// Moves behind `word` if it stands at `cursor`.
  @inline(__always)
  static func match(
    _ word: StaticString, _ cursor: inout UnsafePointer<UInt8>, _ end: UnsafePointer<UInt8>
  ) -> Bool {
    let count = word.utf8CodeUnitCount
    guard end - cursor >= count else { return false }
    for index in 0..<count where cursor[index] != word.utf8Start[index] { return false }
    cursor += count
    return true
  }

  /// Whether `byte` behind an integer makes it another kind of number.
  @inline(__always)
  static func continuesNumber(_ byte: UInt8) -> Bool {
    byte == UInt8(ascii: ".") || byte | 0x20 == UInt8(ascii: "e") || byte &- UInt8(ascii: "0") <= 9
  }

  /// `NaN`, `Infinity`, `Inf` and the last two with a minus: what TensorFlow Serving, Triton and
  /// Python's json write and read beyond RFC 8259.
  @inline(never)
  static func matchFloat(_ cursor: inout UnsafePointer<UInt8>, _ end: UnsafePointer<UInt8>) -> Double? {
    if match("NaN", &cursor, end) { return .nan }
    let isNegative = match("-", &cursor, end)
    guard match("Infinity", &cursor, end) || match("Inf", &cursor, end) else { return nil }
    return isNegative ? -.infinity : .infinity
  }
}

import Glibc

/// The slow way from a number's text to a floating value, by the C library, for the few numbers
/// that the fast ways leave undecided.
enum NumberFallback {
  /// A value halfway between two numbers of `Double` has at most 767 significant digits. With this
  /// many kept, and one digit more that tells whether anything but zeros followed, a text of any
  /// length rounds exactly.
  static let significantDigits = 768
  private static let roomForExponent = 32

  static func double(from start: UnsafePointer<UInt8>, to end: UnsafePointer<UInt8>) -> Double {
    withTerminatedText(start, end) { strtod($0, nil) }
  }

  static func float(from start: UnsafePointer<UInt8>, to end: UnsafePointer<UInt8>) -> Float {
    withTerminatedText(start, end) { strtof($0, nil) }
  }

  /// The number with all bits beyond a `Double` folded into its last one (rounding to odd), so that
  /// rounding it again to a format of at most 51 significant bits is exact.
  static func roundedToOdd(from start: UnsafePointer<UInt8>, to end: UnsafePointer<UInt8>) -> Double {
    withTerminatedText(start, end) { text in
      let mode = fegetround()
      defer { fesetround(mode) }
      fesetround(FE_DOWNWARD)
      let below = strtod(text, nil)
      fesetround(FE_UPWARD)
      let above = strtod(text, nil)
      return below.bitPattern & 1 == 1 ? below : above
    }
  }

  /// Calls `body` with the number as `[-]digits e exponent`. There is no decimal point, so the
  /// process's locale does not matter, and the room on the stack is bounded.
  private static func withTerminatedText<Result>(
    _ start: UnsafePointer<UInt8>, _ end: UnsafePointer<UInt8>,
    _ body: (UnsafePointer<CChar>) -> Result
  ) -> Result {
    let capacity = significantDigits + roomForExponent
    return withUnsafeTemporaryAllocation(byteCount: capacity, alignment: 1) { room in
      let text = UnsafeMutableBufferPointer(
        start: room.baseAddress?.assumingMemoryBound(to: CChar.self), count: capacity)
      var writer = TerminatedNumber(text)
      writer.copy(from: start, to: end)
      return body(UnsafePointer(text.baseAddress.unsafelyUnwrapped))
    }
  }
}

/// Copies a valid number without its point, with a bounded number of digits.
private struct TerminatedNumber {
  private let text: UnsafeMutableBufferPointer<CChar>
  private var length = 0
  private var keptDigits = 0
  private var exponent = 0
  private var hasTail = false

  init(_ text: UnsafeMutableBufferPointer<CChar>) { self.text = text }

  private mutating func append(_ byte: UInt8) {
    text[length] = CChar(bitPattern: byte)
    length += 1
  }

  mutating func copy(from start: UnsafePointer<UInt8>, to end: UnsafePointer<UInt8>) {
    var cursor = start
    var isFraction = false
    while cursor < end, cursor.pointee | 0x20 != UInt8(ascii: "e") {
      switch cursor.pointee {
      case UInt8(ascii: "-"): append(UInt8(ascii: "-"))
      case UInt8(ascii: "."): isFraction = true
      default: copyDigit(cursor.pointee, isFraction: isFraction)
      }
      cursor += 1
    }
    if keptDigits == 0 { append(UInt8(ascii: "0")) }
    if hasTail {
      append(UInt8(ascii: "1"))
      exponent -= 1
    }
    appendExponent(cursor < end ? statedExponent(cursor + 1, end) : 0)
  }

  private mutating func copyDigit(_ digit: UInt8, isFraction: Bool) {
    if keptDigits == NumberFallback.significantDigits {
      if digit != UInt8(ascii: "0") { hasTail = true }
      if !isFraction { exponent += 1 }
      return
    }
    if isFraction { exponent -= 1 }
    guard digit != UInt8(ascii: "0") || keptDigits > 0 else { return }
    append(digit)
    keptDigits += 1
  }

  private func statedExponent(_ start: UnsafePointer<UInt8>, _ end: UnsafePointer<UInt8>) -> Int {
    var value = 0
    for offset in 0..<(end - start) {
      let digit = start[offset] &- UInt8(ascii: "0")
      if digit <= 9 { value = min(value * 10 + Int(digit), 1 << 56) }
    }
    return start.pointee == UInt8(ascii: "-") ? -value : value
  }

  private mutating func appendExponent(_ stated: Int) {
    // Beyond a few thousand every value is zero or infinity, and C's exponent is an int.
    let total = max(-99_999, min(99_999, stated + exponent))
    append(UInt8(ascii: "e"))
    append(total < 0 ? UInt8(ascii: "-") : UInt8(ascii: "+"))
    var divisor = 10_000
    while divisor > 0 {
      append(UInt8(ascii: "0") + UInt8(Int(total.magnitude) / divisor % 10))
      divisor /= 10
    }
    append(0)
  }
}

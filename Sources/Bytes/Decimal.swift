extension ByteBuffer {
  /// Appends `value` in base ten.
  @inlinable public func append(decimal value: Int) {
    if value < 0 { append(UInt8(ascii: "-")) }
    append(decimal: UInt64(value.magnitude))
  }

  /// Appends `value` in base ten.
  @inlinable public func append(decimal value: UInt64) {
    advance(by: Decimal.write(value, to: reserve(Decimal.maximumLength)))
  }
}

/// Base ten text of integers.
public enum Decimal {
  /// The most digits that a `UInt64` takes.
  public static let maximumLength = 20

  /// Writes `value` in base ten at `start`, which has room for `maximumLength` bytes, and returns
  /// the number of digits.
  @inlinable public static func write(_ value: UInt64, to start: UnsafeMutablePointer<UInt8>) -> Int {
    let length = digitCount(value)
    writeDigits(value, count: length, to: start)
    return length
  }

  /// Writes exactly `count` digits of `value` at `start`, zeros first where it has fewer.
  @inlinable public static func writeDigits(
    _ value: UInt64, count: Int, to start: UnsafeMutablePointer<UInt8>
  ) {
    let pairs = UnsafeRawPointer(Decimal.pairs.utf8Start)
    var rest = value
    var position = count
    while position >= 2 {
      let quotient = rest / 100
      let pair = Int(truncatingIfNeeded: rest &- quotient &* 100)
      rest = quotient
      position &-= 2
      let text = pairs.loadUnaligned(fromByteOffset: pair &* 2, as: UInt16.self)
      UnsafeMutableRawPointer(start + position).storeBytes(of: text, as: UInt16.self)
    }
    if position == 1 { start[0] = UInt8(ascii: "0") &+ UInt8(truncatingIfNeeded: rest % 10) }
  }

  /// The digits of 00 to 99.
  @inlinable static var pairs: StaticString {
    """
    0001020304050607080910111213141516171819202122232425262728293031323334353637383940414243444546474849\
    5051525354555657585960616263646566676869707172737475767778798081828384858687888990919293949596979899
    """
  }

  /// The number of digits of `value` in base ten; 1 for zero.
  @inlinable public static func digitCount(_ value: UInt64) -> Int {
    var length = 1
    var rest = value
    while rest >= 10_000 {
      rest /= 10_000
      length += 4
    }
    if rest >= 1000 { return length + 3 }
    if rest >= 100 { return length + 2 }
    return rest >= 10 ? length + 1 : length
  }
}

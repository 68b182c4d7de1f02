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
    var rest = value
    var position = count
    while position >= 2 {
      let pair = rest % 100
      rest /= 100
      position -= 2
      let tens = (pair &* 103) &>> 10
      start[position] = UInt8(ascii: "0") &+ UInt8(truncatingIfNeeded: tens)
      start[position + 1] = UInt8(ascii: "0") &+ UInt8(truncatingIfNeeded: pair &- tens &* 10)
    }
    if position == 1 { start[0] = UInt8(ascii: "0") &+ UInt8(truncatingIfNeeded: rest % 10) }
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

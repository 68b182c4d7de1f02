extension ByteBuffer {
  /// Appends `value` in base ten.
  public func append(decimal value: Int) {
    if value < 0 { append(UInt8(ascii: "-")) }
    append(decimal: UInt64(value.magnitude))
  }

  /// Appends `value` in base ten.
  public func append(decimal value: UInt64) {
    let start = reserve(20)
    var rest = value
    var length = 0
    repeat {
      start[length] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
      rest /= 10
      length += 1
    } while rest > 0
    var digits = UnsafeMutableBufferPointer(start: start, count: length)
    digits.reverse()
    advance(by: length)
  }
}

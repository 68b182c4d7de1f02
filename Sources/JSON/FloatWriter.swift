import Bytes

/// Writes floating numbers as JSON: the shortest digits that read back to the same bits, always with
/// a point or an exponent; `NaN`, `Infinity` and `-Infinity` as bare words.
struct FloatWriter {
  /// Room that a number may take while it is written.
  static let maximumLength = 32
  /// Numbers from 10^-5 up to below 10^16 are written without an exponent.
  private static let plainExponents = -5...15

  private let powers = PowersOfTen.table

  /// Writes at `start`, which has room for `maximumLength` bytes, and returns the length.
  @inline(__always)
  func write(_ value: Float, to start: UnsafeMutablePointer<UInt8>) -> Int {
    guard let decimal = FloatDecimal(value, powers), decimal.isPlain else {
      return writeSlowly(value, to: start)
    }
    start[0] = UInt8(ascii: "-")
    let number = start + Int(value.bitPattern >> 31)
    return decimal.write(to: number) - start
  }

  /// The same for every number: those that the quick way leaves out, and the oracle of its tests.
  @inline(never)
  func writeSlowly(_ value: Float, to start: UnsafeMutablePointer<UInt8>) -> Int {
    guard value.isFinite else { return writeWord(Double(value), to: start) }
    start[0] = UInt8(ascii: "-")
    let number = start + (value.sign == .minus ? 1 : 0)
    guard value != 0 else { return writeZero(to: number) - start }
    let decimal = ShortestDecimal(float: value, powers)
    return write(decimal.digits, decimal.exponent, to: number) - start
  }

  /// Writes at `start`, which has room for `maximumLength` bytes, and returns the length.
  @inline(__always)
  func write(_ value: Double, to start: UnsafeMutablePointer<UInt8>) -> Int {
    guard value.isFinite else { return writeWord(value, to: start) }
    start[0] = UInt8(ascii: "-")
    let number = start + (value.sign == .minus ? 1 : 0)
    guard value != 0 else { return writeZero(to: number) - start }
    let decimal = ShortestDecimal(double: value, powers)
    return write(decimal.digits, decimal.exponent, to: number) - start
  }

  @inline(never)
  private func writeWord(_ value: Double, to start: UnsafeMutablePointer<UInt8>) -> Int {
    let word: StaticString = value.isNaN ? "NaN" : value < 0 ? "-Infinity" : "Infinity"
    start.update(from: word.utf8Start, count: word.utf8CodeUnitCount)
    return word.utf8CodeUnitCount
  }

  private func writeZero(to start: UnsafeMutablePointer<UInt8>) -> UnsafeMutablePointer<UInt8> {
    start[0] = UInt8(ascii: "0")
    start[1] = UInt8(ascii: ".")
    start[2] = UInt8(ascii: "0")
    return start + 3
  }

  /// Writes `digits` × 10^`exponent` and returns the end.
  @inline(__always)
  private func write(
    _ digits: UInt64, _ exponent: Int, to start: UnsafeMutablePointer<UInt8>
  ) -> UnsafeMutablePointer<UInt8> {
    var digits = digits
    var exponent = exponent
    while case (let shorter, let rest) = digits.quotientAndRemainder(dividingBy: 10), rest == 0 {
      digits = shorter
      exponent &+= 1
    }
    let count = Decimal.digitCount(digits)
    let leading = count &+ exponent &- 1
    guard FloatWriter.plainExponents.contains(leading) else {
      return writeScientific(digits, count, leading, to: start)
    }
    if exponent >= 0 { return writeInteger(digits, count, zeros: exponent, to: start) }
    if leading < 0 { return writeFraction(digits, count, zeros: -1 &- leading, to: start) }
    // One byte ahead, so that moving the whole part forward opens the place of the point.
    Decimal.writeDigits(digits, count: count, to: start + 1)
    for index in 0...leading { start[index] = start[index + 1] }
    start[leading &+ 1] = UInt8(ascii: ".")
    return start + (count &+ 1)
  }

  private func writeInteger(
    _ digits: UInt64, _ count: Int, zeros: Int, to start: UnsafeMutablePointer<UInt8>
  ) -> UnsafeMutablePointer<UInt8> {
    Decimal.writeDigits(digits, count: count, to: start)
    let end = start + count
    for index in 0..<zeros { end[index] = UInt8(ascii: "0") }
    end[zeros] = UInt8(ascii: ".")
    end[zeros + 1] = UInt8(ascii: "0")
    return end + zeros + 2
  }

  @inline(__always)
  private func writeFraction(
    _ digits: UInt64, _ count: Int, zeros: Int, to start: UnsafeMutablePointer<UInt8>
  ) -> UnsafeMutablePointer<UInt8> {
    start[0] = UInt8(ascii: "0")
    start[1] = UInt8(ascii: ".")
    for index in 0..<zeros { start[2 &+ index] = UInt8(ascii: "0") }
    Decimal.writeDigits(digits, count: count, to: start + (2 &+ zeros))
    return start + (2 &+ zeros &+ count)
  }

  @inline(never)
  private func writeScientific(
    _ digits: UInt64, _ count: Int, _ exponent: Int, to start: UnsafeMutablePointer<UInt8>
  ) -> UnsafeMutablePointer<UInt8> {
    Decimal.writeDigits(digits, count: count, to: start + 1)
    start[0] = start[1]
    start[1] = UInt8(ascii: ".")
    var end = start + (count == 1 ? 1 : count + 1)
    end[0] = UInt8(ascii: "e")
    end += 1
    if exponent < 0 {
      end[0] = UInt8(ascii: "-")
      end += 1
    }
    return end + Decimal.write(UInt64(exponent.magnitude), to: end)
  }
}

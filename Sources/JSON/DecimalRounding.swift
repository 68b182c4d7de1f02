/// The layout of a binary floating format: sign, exponent, fraction.
struct FloatFormat {
  let fractionBits: Int
  let exponentBits: Int

  static let fp16 = FloatFormat(fractionBits: 10, exponentBits: 5)
  static let bf16 = FloatFormat(fractionBits: 7, exponentBits: 8)
  static let fp32 = FloatFormat(fractionBits: 23, exponentBits: 8)
  static let fp64 = FloatFormat(fractionBits: 52, exponentBits: 11)

  @inline(__always) var bias: Int { 1 &<< (exponentBits &- 1) &- 1 }
  @inline(__always) var infinity: UInt64 { (1 &<< UInt64(exponentBits) &- 1) &<< UInt64(fractionBits) }
}

/// Rounds a decimal number to a binary format in one step, ties to even.
enum DecimalRounding {
  /// The bits, without sign, of the number of `format` nearest to `digits` × 10^`exponent`; those of
  /// infinity when it is too large. Nil in the rare case that 192 bits do not decide.
  ///
  /// The product of the digits and the power's leading 128 bits is a lower bound that is short by
  /// less than one unit of the digits: if no rounding boundary lies in between, the result stands.
  @inline(__always)
  static func round(
    _ digits: UInt64, exponent: Int, to format: FloatFormat, _ powers: UnsafePointer<PowerOfTen>
  ) -> UInt64? {
    guard digits != 0, exponent >= PowersOfTen.exponents.lowerBound else { return 0 }
    guard exponent <= PowersOfTen.exponents.upperBound else { return format.infinity }
    let zeros = digits.leadingZeroBitCount
    let product = multiply(digits &<< UInt64(zeros), powers[exponent &- PowersOfTen.exponents.lowerBound])
    let isExact = PowersOfTen.exactExponents.contains(exponent)
    let shift = product.high >> 63 == 0 ? 1 : 0
    let significand = shift == 0 ? product.high : product.high &<< 1 | product.middle >> 63
    let hasTail = product.middle &<< UInt64(shift) | product.low != 0 || !isExact
    // What the lower bound is short by could carry into the significand.
    let mayCarry = !isExact && product.middle | 1 &<< 63 == UInt64.max
    let binaryExponent = PowersOfTen.floorLog2(ofTenTo: exponent) &+ 64 &- zeros &- shift
    return assemble(significand, binaryExponent, hasTail: hasTail, mayCarry: mayCarry, format)
  }

  @inline(__always)
  private static func multiply(
    _ digits: UInt64, _ power: PowerOfTen
  ) -> (high: UInt64, middle: UInt64, low: UInt64) {
    let upper = digits.multipliedFullWidth(by: power.high)
    let lower = digits.multipliedFullWidth(by: power.low)
    let (middle, overflow) = upper.low.addingReportingOverflow(lower.high)
    return (upper.high &+ (overflow ? 1 : 0), middle, lower.low)
  }

  /// Rounds `significand` × 2^(`exponent` - 63), whose highest bit is set, and packs it.
  @inline(__always)
  private static func assemble(
    _ significand: UInt64, _ exponent: Int, hasTail: Bool, mayCarry: Bool, _ format: FloatFormat
  ) -> UInt64? {
    let smallest = 1 &- format.bias
    if exponent > format.bias { return format.infinity }
    let isNormal = exponent >= smallest
    let dropped = 63 &- format.fractionBits &+ (isNormal ? 0 : smallest &- exponent)
    guard dropped <= 64 else { return 0 }
    let kept = dropped == 64 ? 0 : significand &>> UInt64(dropped)
    let rest = significand &- (dropped == 64 ? 0 : kept &<< UInt64(dropped))
    let half: UInt64 = 1 &<< UInt64(dropped &- 1)
    if mayCarry && rest == half &- 1 { return nil }
    let roundsUp = rest > half || (rest == half && (hasTail || kept & 1 == 1))
    // The leading bit of a normal number counts one exponent step, so it starts one below.
    let base = isNormal ? UInt64(exponent &- smallest) &<< UInt64(format.fractionBits) : 0
    return base &+ kept &+ (roundsUp ? 1 : 0)
  }
}

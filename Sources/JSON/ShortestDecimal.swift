/// The shortest decimal number that reads back as a given floating value, and of those the nearest.
///
/// The algorithm is Schubfach (Raffaello Giulietti, "The Schubfach way to render doubles", 2020): it
/// scales the value and the borders of its rounding interval by one power of ten, rounding to odd,
/// and picks the shortest multiple inside.
struct ShortestDecimal {
  /// At most 17 digits; may end in zeros.
  let digits: UInt64
  let exponent: Int

  /// The digits without the zeros at their end.
  var significantDigits: UInt64 {
    var digits = digits
    while case (let shorter, let rest) = digits.quotientAndRemainder(dividingBy: 10), rest == 0 {
      digits = shorter
    }
    return digits
  }

  /// Of a finite number; its sign is ignored.
  @inline(__always)
  init(double value: Double, _ powers: UnsafePointer<PowerOfTen>) {
    let binary = BinaryNumber(
      fraction: value.bitPattern & (1 << 52 - 1), biasedExponent: Int(value.bitPattern >> 52 & 0x7ff),
      fractionBits: 52, bias: 1023)
    if let integer = binary.integer {
      (digits, exponent) = (integer, 0)
      return
    }
    let power = powers[0 &- binary.decimalExponent &- PowersOfTen.exponents.lowerBound]
    let isExact = PowersOfTen.exactExponents.contains(0 &- binary.decimalExponent)
    let (low, carry) = power.low.addingReportingOverflow(isExact ? 0 : 1)
    let high = power.high &+ (carry ? 1 : 0)
    let borders = binary.scaledBorders { ShortestDecimal.roundToOdd(high, low, $0) }
    (digits, exponent) = binary.shortest(borders)
  }

  /// Of a finite number; its sign is ignored.
  @inline(__always)
  init(float value: Float, _ powers: UnsafePointer<PowerOfTen>) {
    let bits = UInt64(value.bitPattern)
    let binary = BinaryNumber(
      fraction: bits & (1 << 23 - 1), biasedExponent: Int(bits >> 23 & 0xff), fractionBits: 23, bias: 127)
    if let integer = binary.integer {
      (digits, exponent) = (integer, 0)
      return
    }
    let power = powers[0 &- binary.decimalExponent &- PowersOfTen.exponents.lowerBound]
    let isWhole = power.low == 0 && PowersOfTen.exactExponents.contains(0 &- binary.decimalExponent)
    let factor = power.high &+ (isWhole ? 0 : 1)
    let borders = binary.scaledBorders { ShortestDecimal.roundToOdd(factor, $0) }
    (digits, exponent) = binary.shortest(borders)
  }

  /// The product's part above 2^128, its last bit set if anything was cut off.
  @inline(__always)
  private static func roundToOdd(_ high: UInt64, _ low: UInt64, _ factor: UInt64) -> UInt64 {
    let lower = factor.multipliedFullWidth(by: low)
    let upper = factor.multipliedFullWidth(by: high)
    let (middle, carry) = upper.low.addingReportingOverflow(lower.high)
    return upper.high &+ (carry ? 1 : 0) | (middle > 1 ? 1 : 0)
  }

  /// The same for a factor of 32 bits and a power of 64.
  @inline(__always)
  private static func roundToOdd(_ power: UInt64, _ factor: UInt64) -> UInt64 {
    let product = factor.multipliedFullWidth(by: power)
    return product.high | (product.low >> 32 > 1 ? 1 : 0)
  }
}

/// A floating number as `significand` × 2^`exponent`.
private struct BinaryNumber {
  let significand: UInt64
  let exponent: Int
  /// The number below is nearer than the number above: this one begins a power of two.
  let hasNarrowLower: Bool
  /// The power of ten that the shortest decimals near this number are multiples of.
  let decimalExponent: Int

  @inline(__always)
  init(fraction: UInt64, biasedExponent: Int, fractionBits: Int, bias: Int) {
    let isNormal = biasedExponent != 0
    significand = isNormal ? fraction | 1 &<< UInt64(fractionBits) : fraction
    exponent = (isNormal ? biasedExponent : 1) &- bias &- fractionBits
    hasNarrowLower = fraction == 0 && biasedExponent > 1
    // floor(log10(2^exponent)), or of three quarters of it where the lower border is nearer.
    decimalExponent = (exponent &* 1_262_611 &- (hasNarrowLower ? 524_031 : 0)) >> 22
  }

  /// The number itself where it is an integer of no more bits than the significand.
  @inline(__always)
  var integer: UInt64? {
    let shift = 0 &- exponent
    guard shift >= 0, shift < 64, significand.trailingZeroBitCount >= shift else { return nil }
    return significand &>> UInt64(shift)
  }

  typealias Borders = (lower: UInt64, value: UInt64, upper: UInt64)

  /// Four times the number and the borders of its rounding interval, in units of 10^decimalExponent.
  @inline(__always)
  func scaledBorders(_ scale: (UInt64) -> UInt64) -> Borders {
    let shift = UInt64(exponent &+ PowersOfTen.floorLog2(ofTenTo: 0 &- decimalExponent) &+ 1)
    let value = significand &* 4
    let lower = value &- (hasNarrowLower ? 1 : 2)
    return (scale(lower &<< shift), scale(value &<< shift), scale((value &+ 2) &<< shift))
  }

  @inline(__always)
  func shortest(_ borders: Borders) -> (digits: UInt64, exponent: Int) {
    // Only an even significand wins a tie, so only then do the borders belong to the interval.
    let inset = significand & 1
    let (lower, upper) = (borders.lower &+ inset, borders.upper &- inset)
    let quotient = borders.value / 4
    if quotient >= 10 {
      let shorter = quotient / 10
      let belowFits = lower <= 40 &* shorter
      let aboveFits = 40 &* shorter &+ 40 <= upper
      if belowFits != aboveFits { return (shorter &+ (aboveFits ? 1 : 0), decimalExponent &+ 1) }
    }
    let belowFits = lower <= 4 &* quotient
    let aboveFits = 4 &* quotient &+ 4 <= upper
    if belowFits != aboveFits { return (quotient &+ (aboveFits ? 1 : 0), decimalExponent) }
    let middle = 4 &* quotient &+ 2
    let roundsUp = borders.value > middle || (borders.value == middle && quotient & 1 != 0)
    return (quotient &+ (roundsUp ? 1 : 0), decimalExponent)
  }
}

/// The shortest decimal digits of a `Float`, found with one multiplication.
///
/// The number is scaled by a power of ten so that its last bit is worth 1 to 10 units: then every number that
/// reads back to it lies within half of that, and the shortest is a multiple of ten there, or else the nearest whole
/// number. The product is exact to 2^-36 of a unit, so where a comparison is decided by less than 2^-30 the number is
/// left to `ShortestDecimal`, which rounds to odd; so are powers of two, whose lower neighbour is nearer, and
/// subnormal numbers.
struct FloatDecimal {
  /// Eight digits, the first in the lowest byte.
  private let lanes: UInt64
  /// Whether a digit 1 stands before them.
  private let hasNinth: Bool
  /// The power of ten of the first of the eight digits.
  private let leading: Int

  private static let ten: UInt64 = 10 << 60
  private static let half: UInt64 = 1 << 59
  private static let margin: UInt64 = 1 << 30

  /// Of a finite number; its sign is ignored. Nil: it has to be looked at more closely.
  @inline(__always)
  init?(_ value: Float, _ powers: UnsafePointer<PowerOfTen>) {
    let fraction = value.bitPattern & (1 << 23 - 1)
    let biased = Int(value.bitPattern >> 23 & 0xff)
    guard UInt(bitPattern: biased &- 1) < 254, fraction != 0 else { return nil }
    let binary = biased &- 150
    // floor(log10(2^binary))
    let unit = (binary &* 1_262_611) >> 22
    let power = powers[0 &- unit &- PowersOfTen.exponents.lowerBound].high
    // The last bit is worth power * 2^(shift - 63) units, the shift being 0 to 3.
    let shift = UInt64(truncatingIfNeeded: binary &+ PowersOfTen.floorLog2(ofTenTo: 0 &- unit))
    let product = (UInt64(fraction | 1 << 23) &<< (shift &+ 1)).multipliedFullWidth(by: power)
    let tens = product.high / 10
    // Above the last multiple of ten, and half of what the last bit is worth: 4 bits before the point, 60 after.
    let above = (product.high &- tens &* 10) &<< 60 | product.low >> 4
    let reach = power &>> (4 &- shift)
    let below = Self.ten &- above
    let isUnclear =
      Self.isNear(above, reach) || Self.isNear(below, reach) || Self.isNear(product.low >> 4, Self.half)
    guard !isUnclear else { return nil }
    let nearest = product.high &+ product.low >> 63
    let multiple = above < reach ? tens &* 10 : tens &* 10 &+ 10
    self.init(min(above, below) < reach ? multiple : nearest, unit)
  }

  /// `digits` x 10^`unit`, of seven to nine digits, of which a ninth is 1.
  @inline(__always)
  private init(_ digits: UInt64, _ unit: Int) {
    let isShort = digits < 10_000_000
    hasNinth = digits >= 100_000_000
    let eight = (isShort ? digits &* 10 : digits) &- (hasNinth ? 100_000_000 : 0)
    lanes = Self.spread(eight)
    leading = unit &+ (isShort ? 6 : 7)
  }

  @inline(__always)
  private static func isNear(_ a: UInt64, _ b: UInt64) -> Bool { a &- b &+ margin < 2 * margin }

  /// The eight digits of a number below 10^8, one a byte, the first lowest: halved three times, all parts at once.
  @inline(__always)
  private static func spread(_ number: UInt64) -> UInt64 {
    let upper = number / 10_000
    let fours = number &<< 32 &- upper &* (10_000 << 32 - 1)
    let hundreds = (fours &* 5243) >> 19 & 0x0000_007f_0000_007f
    let pairs = fours &<< 16 &- hundreds &* (100 << 16 - 1)
    let tens = (pairs &* 103) >> 10 & 0x000f_000f_000f_000f
    return pairs &<< 8 &- tens &* (10 << 8 - 1)
  }

  /// Whether the number is written without an exponent, and has a place behind its point among its digits.
  @inline(__always)
  var isPlain: Bool { UInt(bitPattern: leading &+ 5) < 12 }

  /// Writes up to 24 bytes at `start` and returns the end of those that count. Precondition: `isPlain`.
  ///
  /// Without a branch, since where the point stands changes from number to number: what a form does not need is
  /// written over by the next line.
  @inline(__always)
  func write(to start: UnsafeMutablePointer<UInt8>) -> UnsafeMutablePointer<UInt8> {
    let text = lanes | 0x3030_3030_3030_3030
    let significant = 8 &- lanes.leadingZeroBitCount >> 3
    let ninth = hasNinth ? 1 : 0
    let isFraction = leading &+ ninth < 0
    let whole = leading &+ 1
    let zeros: UInt64 = 0x3030_3030_3030_2e30  // 0.000000
    UnsafeMutableRawPointer(start).storeBytes(of: zeros.littleEndian, as: UInt64.self)
    let digits = start + (isFraction ? 1 &- leading : ninth)
    digits[0 &- ninth] = UInt8(ascii: "1")
    UnsafeMutableRawPointer(digits).storeBytes(of: text.littleEndian, as: UInt64.self)
    let point = isFraction ? start + 1 : digits + whole
    point.pointee = UInt8(ascii: ".")
    let rest = text &>> UInt64(truncatingIfNeeded: isFraction ? 0 : whole &* 8)
    UnsafeMutableRawPointer(isFraction ? digits : point + 1).storeBytes(
      of: rest.littleEndian, as: UInt64.self)
    return digits + (isFraction ? significant : max(significant, whole &+ 1) &+ 1)
  }
}

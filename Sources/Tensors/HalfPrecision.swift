/// A number of IEEE 754 binary16 (FP16), kept as its bits: what an `fp16` tensor holds.
public struct FP16: Sendable, Equatable {
  public var bits: UInt16

  @inlinable public init(bits: UInt16) { self.bits = bits }

  /// The nearest FP16 value, ties to even. Beyond 65,519.99… infinity; a NaN stays a quiet NaN.
  @inlinable public init(_ value: Float) {
    let pattern = value.bitPattern
    let sign = UInt16(truncatingIfNeeded: (pattern & 0x8000_0000) >> 16)
    let magnitude = pattern & 0x7fff_ffff
    switch magnitude {
    case 0x7f80_0001...:
      bits = sign | 0x7e00 | UInt16(truncatingIfNeeded: (magnitude >> 13) & 0x1ff)
    case 0x477f_f000...:
      bits = sign | 0x7c00
    case 0x3880_0000...:
      // Normal: moves the exponent's bias from 127 to 15 and rounds 13 bits away.
      let odd = (magnitude >> 13) & 1
      bits = sign | UInt16(truncatingIfNeeded: (magnitude &- 0x3800_0000 &+ 0xfff &+ odd) >> 13)
    default:
      // Subnormal: adding one half makes the adder round to multiples of 2^-24, ties to even.
      let shifted = Float(bitPattern: magnitude) + 0.5
      bits = sign | UInt16(truncatingIfNeeded: shifted.bitPattern &- 0x3f00_0000)
    }
  }

  /// The same number as FP32: always exact.
  @inlinable public var float: Float {
    let sign = UInt32(bits & 0x8000) << 16
    let magnitude = UInt32(bits & 0x7fff)
    switch magnitude {
    case 0x7c00...: return Float(bitPattern: sign | 0x7f80_0000 | (magnitude & 0x3ff) << 13)
    case 0x0400...: return Float(bitPattern: sign | (magnitude << 13) + 0x3800_0000)
    default: return Float(bitPattern: sign | (Float(magnitude) * 0x1p-24).bitPattern)
    }
  }
}

/// A number of bfloat16 (BF16), the upper half of an FP32, kept as its bits.
public struct BF16: Sendable, Equatable {
  public var bits: UInt16

  @inlinable public init(bits: UInt16) { self.bits = bits }

  /// The nearest BF16 value, ties to even; a NaN stays a quiet NaN.
  @inlinable public init(_ value: Float) {
    let pattern = value.bitPattern
    guard pattern & 0x7fff_ffff <= 0x7f80_0000 else {
      bits = UInt16(truncatingIfNeeded: pattern >> 16) | 0x40
      return
    }
    let odd = (pattern >> 16) & 1
    bits = UInt16(truncatingIfNeeded: (pattern &+ 0x7fff &+ odd) >> 16)
  }

  /// The same number as FP32: always exact.
  @inlinable public var float: Float { Float(bitPattern: UInt32(bits) << 16) }
}

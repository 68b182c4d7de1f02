/// The leading 128 bits of a power of ten, rounded down, the highest of them set.
struct PowerOfTen {
  var high: UInt64
  var low: UInt64
}

/// Powers of ten for reading and writing floating numbers, computed once, on first use.
enum PowersOfTen {
  /// Every k for which some 19-digit number times 10^k is a finite `Double` other than zero, and
  /// every k that the writer asks for.
  static let exponents = -344...326

  /// 10^k stands at `table[k - exponents.lowerBound]`.
  ///
  /// Unsafe by the compiler's rules only: filled before it is published, never written or freed after.
  nonisolated(unsafe) static let table: UnsafePointer<PowerOfTen> = makeTable()

  /// The powers up to 10^22, which a `Double` holds exactly. Never written or freed after it is made.
  nonisolated(unsafe) static let exactDoubles: UnsafePointer<Double> = {
    let powers = UnsafeMutablePointer<Double>.allocate(capacity: exactDoubleCount)
    var power = 1.0
    for exponent in 0..<exactDoubleCount {
      powers[exponent] = power
      power *= 10
    }
    return UnsafePointer(powers)
  }()
  static let exactDoubleCount = 23

  /// 5^k fits in 128 bits for these, so nothing was rounded away.
  static let exactExponents = 0...55

  /// The largest e with 2^e ≤ 10^k. Exact for |k| ≤ 1233.
  @inline(__always)
  static func floorLog2(ofTenTo k: Int) -> Int { (k &* 1_741_647) >> 19 }

  private static func makeTable() -> UnsafePointer<PowerOfTen> {
    let table = UnsafeMutablePointer<PowerOfTen>.allocate(capacity: exponents.count)
    var power = LongInteger(wordCount: 13)
    power.words[0] = 1
    for exponent in 0...exponents.upperBound {
      table[exponent - exponents.lowerBound] = power.leadingBits
      power.multiply(by: 5)
    }
    // floor(floor(x / 5) / 5) = floor(x / 25): every quotient is exact to its last bit.
    var quotient = LongInteger(wordCount: 16)
    quotient.words[15] = 1 << 63
    for exponent in 1 ... -exponents.lowerBound {
      quotient.divide(by: 5)
      table[-exponent - exponents.lowerBound] = quotient.leadingBits
    }
    return UnsafePointer(table)
  }
}

/// An unsigned integer of a fixed number of words, lowest first.
private struct LongInteger {
  var words: [UInt64]

  init(wordCount: Int) { words = Array(repeating: 0, count: wordCount) }

  mutating func multiply(by factor: UInt64) {
    var carry: UInt64 = 0
    for index in words.indices {
      let (high, low) = words[index].multipliedFullWidth(by: factor)
      let (sum, overflow) = low.addingReportingOverflow(carry)
      words[index] = sum
      carry = high + (overflow ? 1 : 0)
    }
  }

  mutating func divide(by divisor: UInt64) {
    var remainder: UInt64 = 0
    for index in words.indices.reversed() {
      (words[index], remainder) = divisor.dividingFullWidth((remainder, words[index]))
    }
  }

  var leadingBits: PowerOfTen {
    let top = words.lastIndex { $0 != 0 } ?? 0
    let shift = UInt64(words[top].leadingZeroBitCount)
    func word(_ index: Int) -> UInt64 { index >= 0 ? words[index] : 0 }
    func aligned(_ index: Int) -> UInt64 {
      shift == 0 ? word(index) : word(index) << shift | word(index - 1) >> (64 - shift)
    }
    return PowerOfTen(high: aligned(top), low: aligned(top - 1))
  }
}

internal import CKernels

// Elementary functions of sixteen floats at once. A bound in ULP is against the exact value, over all
// finite floats, with fused multiply-add; without it (the portable level on x86) one ULP more.

@inline(__always)
func splat(_ value: Float) -> lanes_f32 { lanes_f32(repeating: value) }

/// c[0] + c[1]·x + …, the highest coefficient last.
@inline(__always)
private func extend(_ sum: lanes_f32, _ x: lanes_f32, _ coefficient: Float) -> lanes_f32 {
  lanes_multiply_add(sum, x, splat(coefficient))
}

/// eˣ within 2 ULP; results below the least normal number lose digits as that range has fewer.
@inline(__always)
func exponential(_ x: lanes_f32) -> lanes_f32 {
  if lanes_have_lookup() {
    // Beyond these the result is 0 or infinity; the comparisons are false for NaN, which passes.
    let bounded = lanes_greater(splat(-104.5), lanes_less(splat(89), x))
    let (power, growth) = splitPower(bounded)
    let root = sixteenthRoot(power.sixteenths)
    return lanes_scale(lanes_multiply_add(root, growth, root), power.value)
  }
  return lanes_all_within(x, 87) ? normalExponential(x) : anyExponential(x)
}

/// eˣ within 2 ULP for |x| ≤ 87, where it is a normal number; anything for others.
@inline(__always)
private func normalExponential(_ x: lanes_f32) -> lanes_f32 {
  let (sum, shifted) = splitExponential(x)
  // The integer in the low bits goes to the exponent; the shifter's own bits leave by the top.
  return lanes_from_bits(lanes_bits(sum) &+ (lanes_bits(shifted) &<< 23))
}

/// eˣ where it need not be a normal number. Not inlined: such vectors are rare.
@inline(never)
private func anyExponential(_ x: lanes_f32) -> lanes_f32 {
  let bounded = lanes_greater(splat(-104.5), lanes_less(splat(89), x))
  let (sum, shifted) = splitExponential(bounded)
  // 2ⁿ in two factors: n may lie beyond a float's exponent.
  let exponent = lanes_bits(shifted) &- lanes_bits(splat(integerShifter))
  let half = exponent &>> 1
  let first = lanes_from_bits((half &+ 127) &<< 23)
  let second = lanes_from_bits((exponent &- half &+ 127) &<< 23)
  return sum * first * second
}

/// Adding 1.5 · 2²³ rounds to an integer and leaves it in the low bits.
private let integerShifter: Float = 12_582_912

/// eˣ = sum · 2ⁿ, with n in the low bits of `shifted`. The terms are added in pairs: one after the other, each
/// would wait for the last.
@inline(__always)
private func splitExponential(_ x: lanes_f32) -> (sum: lanes_f32, shifted: lanes_f32) {
  let shifted = lanes_multiply_add(x, splat(binaryExponent), splat(integerShifter))
  let power = shifted - splat(integerShifter)
  var rest = lanes_multiply_add(power, splat(-0.693_359_375), x)
  rest = lanes_multiply_add(power, splat(2.121_944_4e-4), rest)
  let square = rest * rest
  let low = lanes_multiply_add(rest, splat(0.166_665_21), splat(0.499_999_94))
  let middle = lanes_multiply_add(rest, splat(0.008_368_716_6), splat(0.041_668_389))
  var sum = lanes_multiply_add(square, splat(0.001_381_459_9), middle)
  sum = lanes_multiply_add(square, sum, low)
  return (lanes_multiply_add(square, sum, rest) + splat(1), shifted)
}

/// The binary exponent of a power of e, a multiple of 1/16: as a number, and with its fraction in the low
/// four bits.
private typealias Sixteenths = (value: lanes_f32, sixteenths: lanes_i32)

/// Rounds to a multiple of 1/16 when it is added, and leaves the sixteenths in the low bits: 1.5 · 2¹⁹.
private let sixteenthShifter: Float = 786_432

/// x = n · ln 2 + rest, and e to the power of the rest, less 1: within 2⁻²⁶ of eˣ, for |x| < 128.
@inline(__always)
private func splitPower(_ x: lanes_f32) -> (Sixteenths, growth: lanes_f32) {
  let shifted = lanes_multiply_add(x, splat(binaryExponent), splat(sixteenthShifter))
  let power = shifted - splat(sixteenthShifter)
  var rest = lanes_multiply_add(power, splat(-0.693_359_375), x)
  rest = lanes_multiply_add(power, splat(2.121_944_4e-4), rest)
  let sum = lanes_multiply_add(rest, splat(1.0 / 6.0), splat(0.5))
  return ((power, lanes_bits(shifted)), lanes_multiply_add(rest * rest, sum, rest))
}

/// 2 to the power of each number of sixteenths.
@inline(__always)
private func sixteenthRoot(_ sixteenths: lanes_i32) -> lanes_f32 {
  let roots = lanes_f32(
    1, 1.04427373, 1.09050775, 1.13878858,
    1.18920708, 1.24185777, 1.29683959, 1.35425556,
    1.41421354, 1.47682619, 1.54221082, 1.61049032,
    1.68179286, 1.75625217, 1.8340081, 1.91520655)
  return lanes_lookup(roots, sixteenths)
}

/// What `sixteenthRoot` lost by rounding.
@inline(__always)
private func sixteenthRootRest(_ sixteenths: lanes_i32) -> lanes_f32 {
  let rests = lanes_f32(
    0, 4.83347016e-08, -1.30775399e-08, 5.38622231e-08,
    3.79763527e-08, 4.4968381e-08, -4.01899953e-08, -1.01233493e-08,
    2.4203235e-08, -4.50089885e-08, 8.07090483e-09, 9.83621717e-09,
    -2.47553267e-08, -9.23577037e-09, -1.1239278e-08, 9.84532811e-09)
  return lanes_lookup(rests, sixteenths)
}

/// 2ˣ for x ≤ 0 within 2 ULP; what is below 2⁻¹²⁵ may be 0, as no sum that holds a 1 would notice.
@inline(__always)
func exponential2(ofNegative x: lanes_f32) -> lanes_f32 {
  if lanes_have_lookup() {
    let bounded = lanes_greater(splat(-160), x)
    let shifted = bounded + splat(sixteenthShifter)
    let power = shifted - splat(sixteenthShifter)
    let rest = bounded - power
    let sum = extend(
      lanes_multiply_add(rest, splat(0.055_504_109), splat(0.240_226_507)), rest, 0.693_147_181)
    let root = sixteenthRoot(lanes_bits(shifted))
    return lanes_scale(lanes_multiply_add(root, sum * rest, root), power)
  }
  let shifted = x + splat(integerShifter)
  let rest = x - (shifted - splat(integerShifter))
  var sum = splat(0.000_154_614_48)
  sum = extend(sum, rest, 0.001_339_086_7)
  sum = extend(sum, rest, 0.009_618_057)
  sum = extend(sum, rest, 0.055_503_57)
  sum = extend(sum, rest, 0.240_226_5)
  sum = extend(sum, rest, 0.693_147_2)
  sum = extend(sum, rest, 1)
  let result = lanes_from_bits(lanes_bits(sum) &+ (lanes_bits(shifted) &<< 23))
  return lanes_select_less(x, splat(-125), splat(0), result)
}

/// log₂ e: 2 to the power of it times x is eˣ.
let binaryExponent: Float = 1.442_695_04

/// ln x within 2 ULP; −∞ of 0, NaN of less.
@inline(__always)
func logarithm(_ x: lanes_f32) -> lanes_f32 {
  let leastNormal = splat(Float.leastNormalMagnitude)
  let scaled = lanes_select_less(x, leastNormal, x * splat(8_388_608), x)
  let correction = lanes_select_less(x, leastNormal, splat(-23), splat(0))
  // The mantissa between √½ and √2, and the exponent that goes with it.
  let bits = lanes_bits(scaled) &- 0x3f35_04f3
  let exponent = lanes_from_integers(bits &>> 23) + correction
  let fraction = lanes_from_bits((bits & 0x007f_ffff) &+ 0x3f35_04f3) - splat(1)
  var sum = splat(0.067_466_386)
  sum = extend(sum, fraction, -0.116_756_51)
  sum = extend(sum, fraction, 0.118_881_628)
  sum = extend(sum, fraction, -0.124_055_89)
  sum = extend(sum, fraction, 0.142_195_52)
  sum = extend(sum, fraction, -0.166_679_96)
  sum = extend(sum, fraction, 0.200_021_19)
  sum = extend(sum, fraction, -0.250_000_09)
  sum = extend(sum, fraction, 0.333_333_13)
  let square = fraction * fraction
  var result = lanes_multiply_add(sum * fraction, square, exponent * splat(-2.121_944_4e-4))
  result = lanes_multiply_add(square, splat(-0.5), result)
  result = lanes_multiply_add(exponent, splat(0.693_359_375), result + fraction)
  result = lanes_select_equal(x, splat(.infinity), x, result)
  result = lanes_select_equal(x, splat(0), splat(-.infinity), result)
  result = lanes_select_less(x, splat(0), splat(.nan), result)
  // NaN alone differs from itself.
  return lanes_select_equal(x, x, result, x)
}

/// 1 / (1 + e⁻ˣ) within 4 ULP.
@inline(__always)
func sigmoid(_ x: lanes_f32) -> lanes_f32 {
  if lanes_have_lookup() {
    // Of a negative power only, so that the divisor is between 1 and 2.
    let power = exponential(-lanes_absolute(x))
    return lanes_reciprocal(splat(1) + power) * lanes_select_less(x, splat(0), power, splat(1))
  }
  return splat(1) / (splat(1) + exponential(-x))
}

/// x · sigmoid(x) within 5 ULP, and |x| times the least normal number where the sigmoid is not normal; −0 of −∞.
@inline(__always)
func silu(_ x: lanes_f32) -> lanes_f32 { lanes_greater(splat(-104.5), x) * sigmoid(x) }

/// tanh x within 4 ULP.
@inline(__always)
func hyperbolicTangent(_ x: lanes_f32) -> lanes_f32 {
  let size = lanes_absolute(x)
  if lanes_have_lookup() { return lanes_copy_sign(hyperbolicTangent(ofPositive: size), x) }
  let large = splat(1) - splat(2) / (exponential(size + size) + splat(1))
  let square = x * x
  var sum = splat(-0.005_704_986_4)
  sum = extend(sum, square, 0.020_639_086)
  sum = extend(sum, square, -0.053_739_715)
  sum = extend(sum, square, 0.133_314_416)
  sum = extend(sum, square, -0.333_332_807)
  let small = lanes_multiply_add(sum * square, x, x)
  return lanes_select_less(size, splat(0.625), small, lanes_copy_sign(large, x))
}

/// (e²ˣ − 1) / (e²ˣ + 1). Close to 0 nothing is lost: there the power is 0, and the root 1.
@inline(__always)
private func hyperbolicTangent(ofPositive x: lanes_f32) -> lanes_f32 {
  let bounded = lanes_less(splat(10), x)
  let shifted = lanes_multiply_add(bounded, splat(2 * binaryExponent), splat(sixteenthShifter))
  let power = shifted - splat(sixteenthShifter)
  let rest = lanes_multiply_add(power, splat(-0.693_147_18), bounded + bounded)
  var sum = lanes_multiply_add(rest, splat(1.0 / 24.0), splat(1.0 / 6.0))
  sum = extend(sum, rest, 0.5)
  let growth = lanes_multiply_add(rest * rest, sum, rest)
  let root = lanes_scale(sixteenthRoot(lanes_bits(shifted)), power)
  let lost = lanes_scale(sixteenthRootRest(lanes_bits(shifted)), power)
  let less = lanes_multiply_add(root, growth, (root - splat(1)) + lost)
  return less * lanes_reciprocal(less + splat(2))
}

/// erfc t for t ≥ 0, within 8 ULP where it is a normal number: e^(−t²) · u · p(u), u = 1 / (1 + t/3).
///
/// - Parameters:
///   - square: t² rounded, and `lost` what its rounding lost: to first order it is made good.
@inline(__always)
private func complementaryError(_ t: lanes_f32, square: lanes_f32, lost: lanes_f32) -> lanes_f32 {
  let u = lanes_reciprocal(lanes_multiply_add(t, splat(1.0 / 3.0), splat(1)))
  var sum = splat(0.055_523_656)
  sum = extend(sum, u, -0.291_087_598)
  sum = extend(sum, u, 0.533_210_158)
  sum = extend(sum, u, -0.437_784_493)
  sum = extend(sum, u, 0.400_656_223)
  sum = extend(sum, u, -0.000_370_741_676)
  sum = extend(sum, u, 0.191_602_916)
  sum = extend(sum, u, 0.171_541_169)
  sum = extend(sum, u, 0.188_672_319)
  sum = extend(sum, u, 0.188_036_442)
  let gauss = exponential(-square)
  return sum * u * lanes_multiply_add(gauss, -lost, gauss)
}

/// Keeps t² finite and erfc t zero; NaN passes.
private let errorFunctionBound: Float = 12

/// erf x within 3 ULP.
@inline(__always)
func errorFunction(_ x: lanes_f32) -> lanes_f32 {
  if lanes_have_lookup() { return lanes_copy_sign(errorFunction(ofPositive: lanes_absolute(x)), x) }
  let size = lanes_less(splat(errorFunctionBound), lanes_absolute(x))
  let square = size * size
  let large =
    splat(1) - complementaryError(size, square: square, lost: lanes_multiply_add(size, size, -square))
  var sum = splat(8.316_775_3e-5)
  sum = extend(sum, square, -0.000_813_001_24)
  sum = extend(sum, square, 0.005_199_906_88)
  sum = extend(sum, square, -0.026_858_940_7)
  sum = extend(sum, square, 0.112_836_875)
  sum = extend(sum, square, -0.376_126_319)
  let small = lanes_multiply_add(size, splat(1.128_379_167), size * square * sum)
  return lanes_copy_sign(lanes_select_less(size, splat(0.93), small, large), x)
}

/// x · Φ(x) within 16 ULP where it is a normal number; without fused multiply-add 100 ULP in its far tail:
/// max(x, 0) − |x| · Φ(−|x|).
@inline(__always)
func gelu(_ x: lanes_f32) -> lanes_f32 {
  let bounded = lanes_less(splat(14.9), lanes_absolute(x))
  let square = bounded * bounded
  // To first order what the square's rounding lost is made good.
  let lost = lanes_multiply_add(bounded, bounded, -square)
  let gauss = exponential(ofNegative: square * splat(-0.5))
  let tail = millsRatio(bounded) * lanes_multiply_add(gauss, lost * splat(-0.5), gauss)
  return lanes_greater(splat(0), x) - bounded * tail
}

/// eˣ for x ≤ 0; what is below e⁻⁸⁷ may be 0.
@inline(__always)
private func exponential(ofNegative x: lanes_f32) -> lanes_f32 {
  lanes_have_lookup()
    ? exponential(x) : lanes_select_less(x, splat(-87), splat(0), normalExponential(x))
}

/// Φ(−t) · e^(t²/2) within 4 ULP, for t of 0 … 14.9.
@inline(__always)
private func millsRatio(_ t: lanes_f32) -> lanes_f32 {
  if lanes_have_lookup() { return piecewiseMillsRatio(t) }
  var above = splat(0.004_145_584_5)
  above = extend(above, t, 0.040_830_174)
  above = extend(above, t, 0.183_818_85)
  above = extend(above, t, 0.439_081_94)
  above = extend(above, t, 0.5)
  var below = splat(0.010_391_326)
  below = extend(below, t, 0.102_352_25)
  below = extend(below, t, 0.471_011_69)
  below = extend(below, t, 1.204_926_2)
  below = extend(below, t, 1.676_048_9)
  below = extend(below, t, 1)
  return above / below
}

/// GELU's approximation by tanh: x · sigmoid(√(8/π) · (x + 0.044715 x³)), within 2⁻²⁰ · |x|.
@inline(__always)
func geluTanh(_ x: lanes_f32) -> lanes_f32 {
  let bounded = lanes_greater(splat(-32), x)
  let inner = lanes_multiply_add(bounded * bounded, splat(0.071_354_816), splat(1.595_769_12))
  return bounded * sigmoid(bounded * inner)
}

/// sin x within 2 ULP, for |x| < 2⁴⁰: so far does the reduction by multiples of π/2 in double reach.
@inline(__always)
func sine(_ x: lanes_f32) -> lanes_f32 { sine(x, lanes_quadrant(x)) }

/// cos x within 2 ULP, for |x| < 2⁴⁰.
@inline(__always)
func cosine(_ x: lanes_f32) -> lanes_f32 { sine(x, lanes_quadrant(x) &+ lanes_i32(repeating: 1)) }

/// The sine of an angle whose distance from a multiple of π/2 is that of x, in this quadrant.
@inline(__always)
private func sine(_ x: lanes_f32, _ quadrant: lanes_i32) -> lanes_f32 {
  let rest = lanes_angle_rest(x)
  let square = rest * rest
  var odd = lanes_multiply_add(square, splat(-1.951_529_59e-4), splat(8.332_160_87e-3))
  odd = extend(odd, square, -0.166_666_546)
  odd = lanes_multiply_add(odd * square, rest, rest)
  var even = lanes_multiply_add(square, splat(2.443_315_71e-5), splat(-1.388_731_63e-3))
  even = extend(even, square, 0.041_666_646)
  even = lanes_multiply_add(even * square, square, lanes_multiply_add(square, splat(-0.5), splat(1)))
  let isEven = lanes_from_integers(quadrant & lanes_i32(repeating: 1))
  let value = lanes_select_equal(isEven, splat(0), odd, even)
  let sign = (quadrant & lanes_i32(repeating: 2)) &<< 30
  return lanes_from_bits(lanes_bits(value) ^ sign)
}

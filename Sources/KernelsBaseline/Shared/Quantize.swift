internal import CKernels

extension Level {
  /// The least and the greatest of x[i] and 0; NaN is passed over.
  public static func range(
    _ x: UnsafePointer<Float>, count: Int, _ least: UnsafeMutablePointer<Float>,
    _ greatest: UnsafeMutablePointer<Float>
  ) {
    var low0 = splat(0)
    var low1 = splat(0)
    var high0 = splat(0)
    var high1 = splat(0)
    var index = 0
    while index + 32 <= count {
      let first = lanes_load(x + index)
      let second = lanes_load(x + index + 16)
      low0 = lanes_less(first, low0)
      low1 = lanes_less(second, low1)
      high0 = lanes_greater(first, high0)
      high1 = lanes_greater(second, high1)
      index += 32
    }
    while index < count {
      let value = loadPart(x + index, lesser(16, count - index))
      low0 = lanes_less(value, low0)
      high0 = lanes_greater(value, high0)
      index += 16
    }
    least[0] = -lanes_greatest(-lanes_less(low0, low1))
    greatest[0] = lanes_greatest(lanes_greater(high0, high1))
  }

  /// y[i] = saturate(round(x[i] / scale) + zeroPoint), ties to even, NaN as `low`; as bytes, or as 16-bit
  /// integers for the products that read those.
  ///
  /// - Parameters:
  ///   - low: what y saturates at, as `high`: less than 256 from the zero point.
  ///   - isWide: y is of 16-bit integers.
  public static func quantize(
    _ x: UnsafePointer<Float>, count: Int, scale: Float, zeroPoint: Int32, low: Int32, high: Int32,
    isWide: Bool, _ y: UnsafeMutableRawPointer
  ) {
    let bytes = y.assumingMemoryBound(to: UInt8.self)
    let words = y.assumingMemoryBound(to: UInt16.self)
    let divisor = splat(scale)
    let inverse = splat(1 / scale)
    // Where the inverse is no normal number, every vector is divided.
    let isInvertible = scale > 1e-30 && scale < 1e30
    let least = splat(Float(low - zeroPoint))
    let greatest = splat(Float(high - zeroPoint))
    let shifter = splat(12_582_912)
    let offset = lanes_i32(repeating: zeroPoint) &- lanes_bits(shifter)
    // A product with the inverse rounds as the quotient does, save close to the middle of two integers:
    // there alone the division is worth its time. Between ±512 the product errs by less than 2⁻¹³.
    let nearlyHalf = splat(isInvertible ? 0.4998 : -1)
    @inline(__always)
    func round(_ quotient: lanes_f32) -> (shifted: lanes_f32, deviation: lanes_f32) {
      let bounded = lanes_less(lanes_greater(quotient, least), greatest)
      let shifted = bounded + shifter
      return (shifted, lanes_absolute(bounded - (shifted - shifter)))
    }
    @inline(__always)
    func store(_ index: Int, _ part: Int, _ shifted: lanes_f32) {
      let result = lanes_bits(shifted) &+ offset
      if isWide {
        lanes_store_words(words + index, result, Int64(part))
      } else {
        lanes_store_bytes(bytes + index, result, Int64(part))
      }
    }
    var index = 0
    while index + 32 <= count {
      let (first, second) = (lanes_load(x + index), lanes_load(x + index + 16))
      var (left, right) = (round(first * inverse), round(second * inverse))
      if lanes_any_greater(lanes_greater(left.deviation, right.deviation), nearlyHalf) {
        (left, right) = (round(first / divisor), round(second / divisor))
      }
      store(index, 16, left.shifted)
      store(index + 16, 16, right.shifted)
      index += 32
    }
    while index < count {
      let part = lesser(16, count - index)
      let value = loadPart(x + index, part)
      var here = round(value * inverse)
      if lanes_any_greater(here.deviation, nearlyHalf) { here = round(value / divisor) }
      store(index, part, here.shifted)
      index += 16
    }
  }

  /// y[i] = (x[i] − zeroPoint) · scale.
  public static func dequantize(
    _ x: UnsafePointer<UInt8>, isSigned: Bool, count: Int, scale: Float, zeroPoint: Int32,
    _ y: UnsafeMutablePointer<Float>
  ) {
    let offset = lanes_i32(repeating: zeroPoint)
    if scale == 1 {
      forEachPart(count) { index, part in
        let value = lanes_load_bytes(x + index, Int64(part), isSigned) &- offset
        storePart(y + index, lanes_from_integers(value), part)
      }
      return
    }
    forEachPart(count) { index, part in
      let value = lanes_load_bytes(x + index, Int64(part), isSigned) &- offset
      storePart(y + index, lanes_from_integers(value) * splat(scale), part)
    }
  }
}

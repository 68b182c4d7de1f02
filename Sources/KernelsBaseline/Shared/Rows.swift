internal import CKernels

extension Level {
  /// Softmax, or its logarithm, of each of `rows` rows; `y` may be `x`.
  public static func softmaxRows(
    _ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>, rows: Int, length: Int, logarithm: Bool
  ) {
    var row = 0
    while row + 2 <= rows {
      let offset = row * length
      if logarithm {
        softmaxRow(x + offset, y + offset, length: length, isPair: true, isLogarithm: true)
      } else {
        softmaxRow(x + offset, y + offset, length: length, isPair: true, isLogarithm: false)
      }
      row += 2
    }
    if row < rows {
      let offset = row * length
      softmaxRow(x + offset, y + offset, length: length, isPair: false, isLogarithm: logarithm)
    }
  }

  /// Softmax, or its logarithm, along the first axis of [length, inner]; `y` may be `x`.
  public static func softmaxColumns(
    _ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>, length: Int, inner: Int,
    logarithm isLogarithm: Bool
  ) {
    var column = 0
    while column < inner {
      let part = lesser(16, inner - column)
      softmaxStrip(x + column, y + column, length: length, inner: inner, part: part, isLogarithm: isLogarithm)
      column += 16
    }
  }

  /// (x − mean) / sqrt(variance + epsilon) · scale + bias of each row; `y` may be `x`.
  public static func layerNormRows(
    _ x: UnsafePointer<Float>, scale: UnsafePointer<Float>?, bias: UnsafePointer<Float>?,
    _ y: UnsafeMutablePointer<Float>, rows: Int, columns: Int, epsilon: Float
  ) {
    for row in 0..<rows {
      let source = x + row * columns
      let mean = sum(source, columns) / Float(columns)
      let center = splat(mean)
      let variance = sumOfSquares(source, columns, center: mean) / Float(columns)
      let factor = splat(1 / (variance + epsilon).squareRoot())
      scaleRow(source, y + row * columns, columns, center: center, factor: factor, scale: scale, bias: bias)
    }
  }

  /// As a row of `layerNormRows`, of `channels` times `inner` values that share mean and variance, with a
  /// scale and a bias a channel.
  public static func groupNorm(
    _ x: UnsafePointer<Float>, scale: UnsafePointer<Float>, bias: UnsafePointer<Float>,
    _ y: UnsafeMutablePointer<Float>, channels: Int, inner: Int, epsilon: Float
  ) {
    let count = channels * inner
    let mean = sum(x, count) / Float(count)
    let variance = sumOfSquares(x, count, center: mean) / Float(count)
    let factor = 1 / (variance + epsilon).squareRoot()
    let center = splat(mean)
    for channel in 0..<channels {
      let (source, target) = (x + channel * inner, y + channel * inner)
      let slope = splat(factor * scale[channel])
      let offset = splat(bias[channel])
      forEachPart(inner) { index, part in
        storePart(
          target + index, lanes_multiply_add(loadPart(source + index, part) - center, slope, offset), part)
      }
    }
  }

  /// x / sqrt(mean of squares + epsilon) · scale of each row; `y` may be `x`.
  public static func rmsNormRows(
    _ x: UnsafePointer<Float>, scale: UnsafePointer<Float>?, _ y: UnsafeMutablePointer<Float>, rows: Int,
    columns: Int, epsilon: Float
  ) {
    for row in 0..<rows {
      let source = x + row * columns
      let square = sumOfSquares(source, columns) / Float(columns)
      let factor = splat(1 / (square + epsilon).squareRoot())
      scaleRow(source, y + row * columns, columns, center: splat(0), factor: factor, scale: scale, bias: nil)
    }
  }
}

/// A row, or two that follow one another: what one waits for, the other can use.
@inline(__always)
private func softmaxRow(
  _ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>, length: Int, isPair: Bool, isLogarithm: Bool
) {
  let (nextX, nextY) = (x + length, y + length)
  // NaN is passed over here: the sum will be NaN.
  var greatest = splat(-.infinity)
  var nextGreatest = greatest
  forEachPart(length) { index, part in
    greatest = lanes_greater(loadPart(x + index, part, filler: -.infinity), greatest)
    if isPair {
      nextGreatest = lanes_greater(loadPart(nextX + index, part, filler: -.infinity), nextGreatest)
    }
  }
  let peak = splat(lanes_peak(greatest))
  let nextPeak = isPair ? splat(lanes_peak(nextGreatest)) : peak
  // 0, but NaN where the peak is infinite: so is then the whole row.
  var total = peak - peak
  var nextTotal = nextPeak - nextPeak
  forEachPart(length) { index, part in
    let value = shiftedPower(x + index, part, peak)
    total += value
    if !isLogarithm { storePart(y + index, value, part) }
    if isPair {
      let next = shiftedPower(nextX + index, part, nextPeak)
      nextTotal += next
      if !isLogarithm { storePart(nextY + index, next, part) }
    }
  }
  if isLogarithm {
    subtractRow(x, y, length, peak, total)
    if isPair { subtractRow(nextX, nextY, length, nextPeak, nextTotal) }
  } else {
    let factor = splat(1 / lanes_sum(total))
    let nextFactor = isPair ? splat(1 / lanes_sum(nextTotal)) : factor
    forEachPart(length) { index, part in
      storePart(y + index, loadPart(y + index, part) * factor, part)
      if isPair { storePart(nextY + index, loadPart(nextY + index, part) * nextFactor, part) }
    }
  }
}

/// e to the power of values less the greatest.
@inline(__always)
private func shiftedPower(_ x: UnsafePointer<Float>, _ part: Int, _ peak: lanes_f32) -> lanes_f32 {
  let difference = loadPart(x, part, filler: -.infinity) - peak
  return exponential2(ofNegative: difference * splat(binaryExponent))
}

/// y = (x − peak) − ln(total)
@inline(__always)
private func subtractRow(
  _ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>, _ length: Int, _ peak: lanes_f32,
  _ total: lanes_f32
) {
  let shift = logarithm(splat(lanes_sum(total)))
  forEachPart(length) { index, part in
    storePart(y + index, (loadPart(x + index, part) - peak) - shift, part)
  }
}

/// Up to sixteen columns of [length, inner], one a lane.
@inline(__always)
private func softmaxStrip(
  _ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>, length: Int, inner: Int, part: Int,
  isLogarithm: Bool
) {
  var peak = splat(-.infinity)
  for row in 0..<length { peak = lanes_maximum(peak, loadPart(x + row * inner, part)) }
  var total = lanes_f32.zero
  for row in 0..<length {
    let value = exponential(loadPart(x + row * inner, part) - peak)
    total += value
    if !isLogarithm { storePart(y + row * inner, value, part) }
  }
  if isLogarithm {
    let shift = logarithm(total)
    for row in 0..<length {
      storePart(y + row * inner, (loadPart(x + row * inner, part) - peak) - shift, part)
    }
  } else {
    let factor = splat(1) / total
    for row in 0..<length { storePart(y + row * inner, loadPart(y + row * inner, part) * factor, part) }
  }
}

@inline(__always)
private func scaleRow(
  _ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>, _ count: Int, center: lanes_f32,
  factor: lanes_f32,
  scale: UnsafePointer<Float>?, bias: UnsafePointer<Float>?
) {
  forEachPart(count) { index, part in
    var value = (loadPart(x + index, part) - center) * factor
    if let scale { value *= loadPart(scale + index, part) }
    if let bias { value += loadPart(bias + index, part) }
    storePart(y + index, value, part)
  }
}

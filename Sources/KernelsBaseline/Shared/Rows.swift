internal import CKernels

extension Level {
  /// Softmax, or its logarithm, of each of `rows` rows; `y` may be `x`.
  public static func softmaxRows(
    _ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>, rows: Int, length: Int, logarithm: Bool
  ) {
    for row in 0..<rows {
      softmaxRow(x + row * length, y + row * length, length: length, isLogarithm: logarithm)
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

@inline(__always)
private func softmaxRow(
  _ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>, length: Int, isLogarithm: Bool
) {
  var greatest = splat(-.infinity)
  forEachPart(length) { index, part in
    greatest = lanes_maximum(greatest, loadPart(x + index, part, filler: -.infinity))
  }
  let peak = splat(lanes_greatest(greatest))
  // 0, but NaN where the peak is NaN or infinite: so is then the whole row.
  var total = peak - peak
  forEachPart(length) { index, part in
    let difference = loadPart(x + index, part, filler: -.infinity) - peak
    let value = exponential2(ofNegative: difference * splat(binaryExponent))
    total += value
    if !isLogarithm { storePart(y + index, value, part) }
  }
  if isLogarithm {
    let shift = logarithm(splat(lanes_sum(total)))
    forEachPart(length) { index, part in
      storePart(y + index, (loadPart(x + index, part) - peak) - shift, part)
    }
  } else {
    let factor = splat(1 / lanes_sum(total))
    forEachPart(length) { index, part in storePart(y + index, loadPart(y + index, part) * factor, part) }
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

internal import Glibc

extension Reference {
  public static func softmax(
    _ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>, outer: Int, length: Int, inner: Int,
    logarithm: Bool
  ) {
    for line in 0..<(outer * inner) {
      let start = line / inner * length * inner + line % inner
      var greatest = -Float.infinity
      for index in 0..<length { greatest = maximum(greatest, x[start + index * inner]) }
      var sum = 0.0
      for index in 0..<length { sum += exp(Double(x[start + index * inner]) - Double(greatest)) }
      for index in 0..<length {
        let offset = start + index * inner
        let shifted = Double(x[offset]) - Double(greatest)
        y[offset] = Float(logarithm ? shifted - log(sum) : exp(shifted) / sum)
      }
    }
  }

  public static func layerNorm(
    _ x: UnsafePointer<Float>, scale: UnsafePointer<Float>?, bias: UnsafePointer<Float>?,
    _ y: UnsafeMutablePointer<Float>, rows: Int, columns: Int, epsilon: Float
  ) {
    for row in 0..<rows {
      let values = x + row * columns
      var mean = 0.0
      for column in 0..<columns { mean += Double(values[column]) / Double(columns) }
      var variance = 0.0
      for column in 0..<columns {
        let difference = Double(values[column]) - mean
        variance += difference * difference / Double(columns)
      }
      let factor = 1 / (variance + Double(epsilon)).squareRoot()
      for column in 0..<columns {
        let normal = (Double(values[column]) - mean) * factor
        y[row * columns + column] = Float(normal * Double(scale?[column] ?? 1) + Double(bias?[column] ?? 0))
      }
    }
  }

  public static func rmsNorm(
    _ x: UnsafePointer<Float>, scale: UnsafePointer<Float>?, _ y: UnsafeMutablePointer<Float>, rows: Int,
    columns: Int, epsilon: Float
  ) {
    for row in 0..<rows {
      let values = x + row * columns
      var square = 0.0
      for column in 0..<columns {
        square += Double(values[column]) * Double(values[column]) / Double(columns)
      }
      let factor = 1 / (square + Double(epsilon)).squareRoot()
      for column in 0..<columns {
        y[row * columns + column] = Float(Double(values[column]) * factor * Double(scale?[column] ?? 1))
      }
    }
  }

  public static func scaleShift(
    _ x: UnsafePointer<Float>, scale: UnsafePointer<Float>, shift: UnsafePointer<Float>,
    _ y: UnsafeMutablePointer<Float>, outer: Int, channels: Int, inner: Int, activation: Activation
  ) {
    for index in 0..<(outer * channels * inner) {
      let channel = index / inner % channels
      let value = Double(x[index]) * Double(scale[channel]) + Double(shift[channel])
      y[index] = apply(activation, Float(value))
    }
  }
}

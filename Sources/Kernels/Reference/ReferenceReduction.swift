extension Reference {
  public static func reduce(
    _ reduction: Reduction, _ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>, outer: Int,
    length: Int,
    inner: Int
  ) {
    for line in 0..<(outer * inner) {
      let start = x + line / inner * length * inner + line % inner
      y[line] = reduceLine(reduction, start, length: length, stride: inner)
    }
  }

  private static func reduceLine(
    _ reduction: Reduction, _ x: UnsafePointer<Float>, length: Int, stride: Int
  ) -> Float {
    var sum = 0.0
    var squares = 0.0
    var product = 1.0
    var greatest = -Float.infinity
    var least = Float.infinity
    for index in 0..<length {
      let value = x[index * stride]
      sum += Double(value)
      squares += Double(value) * Double(value)
      product *= Double(value)
      greatest = maximum(greatest, value)
      least = minimum(least, value)
    }
    switch reduction {
    case .sum: return Float(sum)
    case .mean: return Float(sum / Double(length))
    case .maximum: return greatest
    case .minimum: return least
    case .product: return Float(product)
    case .sumOfSquares: return Float(squares)
    }
  }
}

internal import Glibc
public import Tensors

extension Reference {
  public static func apply(_ operation: UnaryOperation, _ x: Float) -> Float {
    switch operation {
    case .activation(let activation): apply(activation, x)
    case .exp: Float(Glibc.exp(Double(x)))
    case .log: Float(Glibc.log(Double(x)))
    case .erf: Float(Glibc.erf(Double(x)))
    case .sqrt: x.squareRoot()
    case .negate: -x
    case .absolute: abs(x)
    case .reciprocal: 1 / x
    case .floor: x.rounded(.down)
    case .ceiling: x.rounded(.up)
    case .sin: Float(Glibc.sin(Double(x)))
    case .cos: Float(Glibc.cos(Double(x)))
    }
  }

  public static func apply(_ operation: BinaryOperation, _ a: Float, _ b: Float) -> Float {
    switch operation {
    case .add: a + b
    case .subtract: a - b
    case .multiply: a * b
    case .divide: a / b
    case .maximum: maximum(a, b)
    case .minimum: minimum(a, b)
    case .power: Float(Glibc.pow(Double(a), Double(b)))
    }
  }

  public static func unary(
    _ operation: UnaryOperation, _ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>, count: Int
  ) {
    for index in 0..<count { y[index] = apply(operation, x[index]) }
  }

  public static func binary(
    _ operation: BinaryOperation, _ a: UnsafePointer<Float>, shape aShape: Shape, _ b: UnsafePointer<Float>,
    shape bShape: Shape, _ y: UnsafeMutablePointer<Float>, shape yShape: Shape
  ) {
    for index in 0..<(yShape.elementCount ?? 0) {
      y[index] = apply(
        operation, a[broadcastOffset(index, in: yShape, of: aShape)],
        b[broadcastOffset(index, in: yShape, of: bShape)])
    }
  }

  /// Where the element of `part` lies that the element numbered `index` of `whole` reads.
  static func broadcastOffset(_ index: Int, in whole: Shape, of part: Shape) -> Int {
    var offset = 0
    for axis in 0..<whole.rank {
      let extent = part.extent(axis, ofRank: whole.rank)
      offset = offset * extent + (extent == 1 ? 0 : coordinate(index, axis, whole))
    }
    return offset
  }
}

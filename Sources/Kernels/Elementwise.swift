public import Tensors

/// A function of one value.
public enum UnaryOperation: Sendable, Hashable {
  /// Any function that can also follow a product.
  case activation(Activation)
  case exp
  case log
  case erf
  case sqrt
  case negate
  case absolute
  case reciprocal
  case floor
  case ceiling
}

/// A function of two values.
public enum BinaryOperation: Sendable, Hashable, CaseIterable {
  case add
  case subtract
  case multiply
  case divide
  /// The greater; NaN if either is.
  case maximum
  /// The less; NaN if either is.
  case minimum
  case power
}

extension KernelTable {
  /// y[i] = operation(x[i]). `y` may be `x`.
  public func unary(
    _ operation: UnaryOperation, _ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>, count: Int,
    team: ThreadTeam
  ) {
    Reference.unary(operation, x, y, count: count)
  }

  /// y = operation(a, b) over tensors of one shape. `y` may be `a` or `b`.
  public func binary(
    _ operation: BinaryOperation, _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>,
    _ y: UnsafeMutablePointer<Float>, count: Int, team: ThreadTeam
  ) {
    for index in 0..<count { y[index] = Reference.apply(operation, a[index], b[index]) }
  }

  /// y = operation(a, b) with NumPy's broadcasting. `y` may be that operand whose shape is `yShape`.
  ///
  /// - Parameter yShape: the broadcast shape of both; see `Shape.broadcast(with:)`.
  public func binary(
    _ operation: BinaryOperation, _ a: UnsafePointer<Float>, shape aShape: Shape, _ b: UnsafePointer<Float>,
    shape bShape: Shape, _ y: UnsafeMutablePointer<Float>, shape yShape: Shape, team: ThreadTeam
  ) {
    Reference.binary(operation, a, shape: aShape, b, shape: bShape, y, shape: yShape)
  }
}

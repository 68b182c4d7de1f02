internal import CKernels

/// A function that is applied to the values of an operation as they are stored.
public enum Activation: Sendable, Hashable {
  case none
  case relu
  /// min(max(x, low), high)
  case clip(low: Float, high: Float)
  /// x, or slope · x where x < 0
  case leakyRelu(slope: Float)
  case sigmoid
  case tanh
  /// x · Φ(x), by the error function
  case gelu
  /// The approximation of GELU by tanh
  case geluTanh
  /// x · sigmoid(x)
  case silu
  /// min(max(slope · x + offset, 0), 1)
  case hardSigmoid(slope: Float, offset: Float)
  /// x · hardSigmoid(x) with slope 1/6 and offset 1/2
  case hardSwish
}

/// What follows a product before it is stored: activation(alpha · AB + beta · C + bias + residual).
///
/// Alpha and beta belong to the operation. The pointers are read during the call only.
public struct Epilogue {
  /// One value a column of C (an output feature), or nil.
  public var columnBias: UnsafePointer<Float>?
  /// One value a row of C, or nil.
  public var rowBias: UnsafePointer<Float>?
  /// A matrix of C's shape that is added, or nil. It may be C itself.
  public var residual: UnsafePointer<Float>?
  /// Elements from one row of `residual` to the next; nil stands for C's stride.
  public var residualStride: Int?
  public var activation: Activation

  public init(
    columnBias: UnsafePointer<Float>? = nil, rowBias: UnsafePointer<Float>? = nil,
    residual: UnsafePointer<Float>? = nil, residualStride: Int? = nil, activation: Activation = .none
  ) {
    self.columnBias = columnBias
    self.rowBias = rowBias
    self.residual = residual
    self.residualStride = residualStride
    self.activation = activation
  }
}

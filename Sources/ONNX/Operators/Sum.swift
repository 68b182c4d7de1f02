import Kernels

/// The ONNX operator Sum.
enum Sum {
  static let description = VariadicArithmetic.description("Sum", .add)
}

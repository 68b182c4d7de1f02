import Kernels

/// The ONNX operator Mul.
enum Mul {
  static let description = BinaryArithmetic.description("Mul", .multiply)
}

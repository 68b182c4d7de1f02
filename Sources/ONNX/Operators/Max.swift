import Kernels

/// The ONNX operator Max.
enum Max {
  static let description = VariadicArithmetic.description("Max", .maximum)
}

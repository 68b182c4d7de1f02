import Kernels

/// The ONNX operator Neg.
enum Neg {
  static let description = UnaryFunction.description("Neg", .negate, { -$0 }, integer: { 0 &- $0 })
}

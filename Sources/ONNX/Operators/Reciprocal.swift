import Kernels

/// The ONNX operator Reciprocal.
enum Reciprocal {
  static let description = UnaryFunction.description("Reciprocal", .reciprocal, { 1 / $0 })
}

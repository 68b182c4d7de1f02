import Kernels

/// The ONNX operator Sqrt.
enum Sqrt {
  static let description = UnaryFunction.description("Sqrt", .sqrt, { $0.squareRoot() })
}

import Glibc

/// The ONNX operator Asinh.
enum Asinh {
  static let description = UnaryFunction.description("Asinh", nil, { asinh($0) })
}

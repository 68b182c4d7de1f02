import Glibc

/// The ONNX operator Atan.
enum Atan {
  static let description = UnaryFunction.description("Atan", nil, { atan($0) })
}

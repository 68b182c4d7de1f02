import Glibc

/// The ONNX operator Cos.
enum Cos {
  static let description = UnaryFunction.description("Cos", nil, { cos($0) })
}

import Glibc

/// The ONNX operator Atanh.
enum Atanh {
  static let description = UnaryFunction.description("Atanh", nil, { atanh($0) })
}

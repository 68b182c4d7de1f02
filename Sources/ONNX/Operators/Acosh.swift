import Glibc

/// The ONNX operator Acosh.
enum Acosh {
  static let description = UnaryFunction.description("Acosh", nil, { acosh($0) })
}

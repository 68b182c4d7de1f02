import Glibc

/// The ONNX operator Cosh.
enum Cosh {
  static let description = UnaryFunction.description("Cosh", nil, { cosh($0) })
}

import Glibc

/// The ONNX operator Sinh.
enum Sinh {
  static let description = UnaryFunction.description("Sinh", nil, { sinh($0) })
}

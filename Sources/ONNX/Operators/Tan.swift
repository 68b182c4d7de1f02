import Glibc

/// The ONNX operator Tan.
enum Tan {
  static let description = UnaryFunction.description("Tan", nil, { tan($0) })
}

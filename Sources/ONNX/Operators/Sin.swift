import Glibc

/// The ONNX operator Sin.
enum Sin {
  static let description = UnaryFunction.description("Sin", nil, { sin($0) })
}

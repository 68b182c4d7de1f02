import Glibc

/// The ONNX operator Asin.
enum Asin {
  static let description = UnaryFunction.description("Asin", nil, { asin($0) })
}

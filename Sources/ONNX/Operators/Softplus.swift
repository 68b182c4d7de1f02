import Glibc

/// The ONNX operator Softplus.
enum Softplus {
  static let description = UnaryFunction.description("Softplus", nil, { max($0, 0) + log1p(exp(-abs($0))) })
}

import Glibc

/// The ONNX operator Mish.
enum Mish {
  static let description = UnaryFunction.description(
    "Mish", nil, { $0 * tanh(max($0, 0) + log1p(exp(-abs($0)))) })
}

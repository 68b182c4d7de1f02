/// The ONNX operator Sign.
enum Sign {
  static let description = UnaryFunction.description(
    "Sign", nil, { $0 > 0 ? 1 : $0 < 0 ? -1 : $0 }, integer: { $0.signum() })
}

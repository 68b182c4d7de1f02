import Kernels

/// The ONNX operator Abs.
enum Abs {
  static let description = UnaryFunction.description(
    "Abs", .absolute, { abs($0) }, integer: { $0 < 0 ? 0 &- $0 : $0 })
}

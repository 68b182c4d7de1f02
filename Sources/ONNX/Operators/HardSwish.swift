import Kernels

/// The ONNX operator HardSwish.
enum HardSwish {
  static let description = UnaryFunction.description(
    "HardSwish", .activation(.hardSwish), { $0 * min(max($0 / 6 + 0.5, 0), 1) })
}

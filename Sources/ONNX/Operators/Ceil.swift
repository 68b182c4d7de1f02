import Kernels

/// The ONNX operator Ceil.
enum Ceil {
  static let description = UnaryFunction.description("Ceil", .ceiling, { $0.rounded(.up) })
}

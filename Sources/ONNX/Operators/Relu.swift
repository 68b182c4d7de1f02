import Kernels

/// The ONNX operator Relu.
enum Relu {
  static let description = UnaryFunction.description(
    "Relu", .activation(.relu), { $0 < 0 ? 0 : $0 }, integer: { max($0, 0) })
}

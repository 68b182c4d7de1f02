import Kernels

/// The ONNX operator Div.
enum Div {
  static let description = BinaryArithmetic.description("Div", .divide)
}

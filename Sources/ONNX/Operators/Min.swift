import Kernels

/// The ONNX operator Min.
enum Min {
  static let description = VariadicArithmetic.description("Min", .minimum)
}

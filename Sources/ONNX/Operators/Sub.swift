import Kernels

/// The ONNX operator Sub.
enum Sub {
  static let description = BinaryArithmetic.description("Sub", .subtract)
}

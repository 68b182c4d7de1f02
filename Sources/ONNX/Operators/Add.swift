import Kernels

/// The ONNX operator Add.
enum Add {
  static let description = BinaryArithmetic.description("Add", .add)
}

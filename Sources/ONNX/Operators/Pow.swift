import Kernels
import Tensors

/// The ONNX operator Pow, with base and exponent of one datatype.
enum Pow {
  static let description = BinaryArithmetic.description("Pow", .power)
}

import Glibc
import Kernels

/// The ONNX operator Cos.
enum Cos {
  static let description = UnaryFunction.description("Cos", .cos, { cos($0) })
}

import Glibc
import Kernels

/// The ONNX operator Tanh.
enum Tanh {
  static let description = UnaryFunction.description("Tanh", .activation(.tanh), { tanh($0) })
}

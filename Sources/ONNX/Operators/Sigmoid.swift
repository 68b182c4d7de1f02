import Glibc
import Kernels

/// The ONNX operator Sigmoid.
enum Sigmoid {
  static let description = UnaryFunction.description("Sigmoid", .activation(.sigmoid), { 1 / (1 + exp(-$0)) })
}

import Glibc
import Kernels

/// The ONNX operator Exp.
enum Exp {
  static let description = UnaryFunction.description("Exp", .exp, { exp($0) })
}

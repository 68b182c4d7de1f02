import Glibc
import Kernels

/// The ONNX operator Erf.
enum Erf {
  static let description = UnaryFunction.description("Erf", .erf, { erf($0) })
}

import Glibc
import Kernels

/// The ONNX operator Sin.
enum Sin {
  static let description = UnaryFunction.description("Sin", .sin, { sin($0) })
}

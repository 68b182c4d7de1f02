import Glibc
import Kernels

/// The ONNX operator Log.
enum Log {
  static let description = UnaryFunction.description("Log", .log, { log($0) })
}

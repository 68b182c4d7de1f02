import Kernels

/// The ONNX operator GlobalMaxPool.
enum GlobalMaxPool {
  static let description = GlobalPool.description("GlobalMaxPool", .maximum)
}

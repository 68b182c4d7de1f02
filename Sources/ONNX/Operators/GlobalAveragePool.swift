import Kernels

/// The ONNX operator GlobalAveragePool.
enum GlobalAveragePool {
  static let description = GlobalPool.description("GlobalAveragePool", .mean)
}

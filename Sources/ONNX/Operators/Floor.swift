import Kernels

/// The ONNX operator Floor.
enum Floor {
  static let description = UnaryFunction.description("Floor", .floor, { $0.rounded(.down) })
}

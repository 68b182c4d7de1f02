import Kernels

/// The ONNX operator MaxPool.
enum MaxPool {
  static let description = OperatorDescription(
    "MaxPool", inputs: 1...1, outputs: 1...2,
    support: "FP16, BF16, FP32; 1 to 3 spatial dimensions, dilations, ceil_mode; without the Indices output"
  ) { reader in
    if reader.hasOutput(1) { throw ONNXError(.unsupported, "the Indices output") }
    return Pool(name: "MaxPool", kind: .max, window: try WindowAttributes(reader))
  }
}

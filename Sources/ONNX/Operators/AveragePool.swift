import Kernels

/// The ONNX operator AveragePool.
enum AveragePool {
  static let description = OperatorDescription(
    "AveragePool", inputs: 1...1,
    support: "FP16, BF16, FP32; 1 to 3 spatial dimensions, dilations, ceil_mode, count_include_pad"
  ) { reader in
    let countsPadding = try reader.flag("count_include_pad", default: false)
    return Pool(
      name: "AveragePool", kind: .average(countsPadding: countsPadding), window: try WindowAttributes(reader))
  }
}

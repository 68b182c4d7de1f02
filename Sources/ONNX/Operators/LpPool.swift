/// The ONNX operator LpPool.
enum LpPool {
  static let description = OperatorDescription(
    "LpPool", inputs: 1...1, support: "all numbers; 1 to 3 spatial dimensions, dilations, ceil_mode"
  ) { reader in
    let p = try reader.int("p", default: 2)
    guard p >= 1 else { throw ONNXError(.invalid, "p of \(p)") }
    return WindowPool(name: "LpPool", kind: .norm(p), window: try WindowAttributes(reader))
  }
}

import Kernels

/// The ONNX operator HardSigmoid.
enum HardSigmoid {
  static let description = OperatorDescription(
    "HardSigmoid", inputs: 1...1, support: UnaryFunction.floatSupport
  ) {
    reader in
    let slope = try reader.float("alpha", default: 0.2)
    let offset = try reader.float("beta", default: 0.5)
    return UnaryFunction(
      name: "HardSigmoid", function: .activation(.hardSigmoid(slope: slope, offset: offset))
    ) { min(max($0 * Double(slope) + Double(offset), 0), 1) }
  }
}

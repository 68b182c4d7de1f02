import Kernels

/// The ONNX operator LeakyRelu.
enum LeakyRelu {
  static let description = OperatorDescription(
    "LeakyRelu", inputs: 1...1, support: UnaryFunction.floatSupport
  ) { reader in
    let slope = try reader.float("alpha", default: 0.01)
    return UnaryFunction(name: "LeakyRelu", function: .activation(.leakyRelu(slope: slope))) {
      $0 < 0 ? $0 * Double(slope) : $0
    }
  }
}

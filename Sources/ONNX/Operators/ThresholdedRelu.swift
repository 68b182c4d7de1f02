import Glibc

/// The ONNX operator ThresholdedRelu.
enum ThresholdedRelu {
  static let description = OperatorDescription(
    "ThresholdedRelu", inputs: 1...1, support: UnaryFunction.floatSupport
  ) { reader in
    let alpha = Double(try reader.float("alpha", default: 1))
    return UnaryFunction(name: "ThresholdedRelu", function: nil) { $0 > alpha ? $0 : 0 }
  }
}

import Kernels

/// The ONNX operator HardSwish.
enum HardSwish {
  static let description = OperatorDescription(
    "HardSwish", inputs: 1...1, support: UnaryFunction.floatSupport
  ) { _ in function }

  static let function = UnaryFunction(name: "HardSwish", function: .activation(.hardSwish)) {
    $0 * min(max($0 / 6 + 0.5, 0), 1)
  }
}

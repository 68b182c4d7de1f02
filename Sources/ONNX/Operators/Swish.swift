import Glibc

/// The ONNX operator Swish.
enum Swish {
  static let description = OperatorDescription("Swish", inputs: 1...1, support: UnaryFunction.floatSupport) {
    reader in
    let alpha = Double(try reader.float("alpha", default: 1))
    return UnaryFunction(name: "Swish", function: nil) { $0 / (1 + exp(-alpha * $0)) }
  }
}

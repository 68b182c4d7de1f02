import Glibc

/// The ONNX operator Celu.
enum Celu {
  static let description = OperatorDescription("Celu", inputs: 1...1, support: UnaryFunction.floatSupport) {
    reader in
    let alpha = Double(try reader.float("alpha", default: 1))
    return UnaryFunction(name: "Celu", function: nil) { max($0, 0) + min(alpha * expm1($0 / alpha), 0) }
  }
}

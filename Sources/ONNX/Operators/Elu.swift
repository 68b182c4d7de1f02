import Glibc

/// The ONNX operator Elu.
enum Elu {
  static let description = OperatorDescription("Elu", inputs: 1...1, support: UnaryFunction.floatSupport) {
    reader in
    let alpha = Double(try reader.float("alpha", default: 1))
    return UnaryFunction(name: "Elu", function: nil) { $0 < 0 ? alpha * expm1($0) : $0 }
  }
}

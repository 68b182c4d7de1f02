import Glibc

/// The ONNX operator Selu.
enum Selu {
  static let description = OperatorDescription("Selu", inputs: 1...1, support: UnaryFunction.floatSupport) {
    reader in
    let alpha = Double(try reader.float("alpha", default: 1.67326319217681884765625))
    let gamma = Double(try reader.float("gamma", default: 1.05070102214813232421875))
    return UnaryFunction(name: "Selu", function: nil) { gamma * ($0 <= 0 ? alpha * expm1($0) : $0) }
  }
}

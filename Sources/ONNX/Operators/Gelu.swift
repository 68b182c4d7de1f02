import Glibc
import Kernels

/// The ONNX operator Gelu, by the error function or approximated by tanh.
enum Gelu {
  static let description = OperatorDescription("Gelu", inputs: 1...1, support: UnaryFunction.floatSupport) {
    reader in
    switch try reader.string("approximate") ?? "none" {
    case "none": return exact
    case "tanh": return byTanh
    case let other: throw ONNXError(.unsupported, "approximate '\(other)'; supported: none, tanh")
    }
  }

  static let exact = UnaryFunction(name: "Gelu", function: .activation(.gelu)) {
    0.5 * $0 * (1 + erf($0 / 2.0.squareRoot()))
  }

  static let byTanh = UnaryFunction(name: "Gelu", function: .activation(.geluTanh)) { x in
    0.5 * x * (1 + tanh((2 / Double.pi).squareRoot() * (x + 0.044715 * x * x * x)))
  }
}

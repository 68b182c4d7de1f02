import Glibc

/// The ONNX operator Acos.
enum Acos {
  static let description = UnaryFunction.description("Acos", nil, { acos($0) })
}

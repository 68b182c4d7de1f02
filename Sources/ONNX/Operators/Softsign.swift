import Glibc

/// The ONNX operator Softsign.
enum Softsign {
  static let description = UnaryFunction.description("Softsign", nil, { $0 / (1 + abs($0)) })
}

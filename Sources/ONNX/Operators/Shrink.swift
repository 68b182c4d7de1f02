/// The ONNX operator Shrink: what is small becomes 0, the rest moves towards it.
enum Shrink {
  static let description = OperatorDescription("Shrink", inputs: 1...1, support: UnaryFunction.signedSupport)
  { reader in
    let lambd = Double(try reader.float("lambd", default: 0.5))
    let bias = Double(try reader.float("bias", default: 0))
    let shrunk: @Sendable (Double) -> Double = { $0 < -lambd ? $0 + bias : $0 > lambd ? $0 - bias : 0 }
    return UnaryFunction(name: "Shrink", function: nil, double: shrunk, integer: { Int(shrunk(Double($0))) })
  }
}

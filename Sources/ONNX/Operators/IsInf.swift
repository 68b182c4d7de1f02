/// The ONNX operator IsInf, of either sign or both.
enum IsInf {
  static let description = OperatorDescription("IsInf", inputs: 1...1, support: "FP16, BF16, FP32, FP64") {
    reader in
    let positive = try reader.flag("detect_positive", default: true)
    let negative = try reader.flag("detect_negative", default: true)
    return ElementTest.floats("IsInf") { $0.isInfinite && ($0 > 0 ? positive : negative) }
  }
}

/// The ONNX operator IsNaN.
enum IsNaN {
  static let description = OperatorDescription("IsNaN", inputs: 1...1, support: "FP16, BF16, FP32, FP64") {
    _ in
    ElementTest.floats("IsNaN") { $0.isNaN }
  }
}

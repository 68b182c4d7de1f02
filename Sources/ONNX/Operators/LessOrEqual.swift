/// The ONNX operator LessOrEqual.
enum LessOrEqual {
  static let description = Comparison.description("LessOrEqual", .lessOrEqual)
}

/// The ONNX operator GreaterOrEqual.
enum GreaterOrEqual {
  static let description = Comparison.description("GreaterOrEqual", .greaterOrEqual)
}

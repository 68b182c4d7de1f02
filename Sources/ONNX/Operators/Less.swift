/// The ONNX operator Less.
enum Less {
  static let description = Comparison.description("Less", .less)
}

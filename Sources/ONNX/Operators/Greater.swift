/// The ONNX operator Greater.
enum Greater {
  static let description = Comparison.description("Greater", .greater)
}

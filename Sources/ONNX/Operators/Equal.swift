/// The ONNX operator Equal.
enum Equal {
  static let description = Comparison.description("Equal", .equal)
}

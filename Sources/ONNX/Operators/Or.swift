/// The ONNX operator Or.
enum Or {
  static let description = BitOperation.logical("Or", .or)
}

/// The ONNX operator And.
enum And {
  static let description = BitOperation.logical("And", .and)
}

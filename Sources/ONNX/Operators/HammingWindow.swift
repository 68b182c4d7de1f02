/// The ONNX operator HammingWindow.
enum HammingWindow {
  static let description = CosineWindow.description("HammingWindow", [25.0 / 46, -21.0 / 46])
}

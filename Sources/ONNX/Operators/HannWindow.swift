/// The ONNX operator HannWindow.
enum HannWindow {
  static let description = CosineWindow.description("HannWindow", [0.5, -0.5])
}

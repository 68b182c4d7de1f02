/// The ONNX operator BlackmanWindow.
enum BlackmanWindow {
  static let description = CosineWindow.description("BlackmanWindow", [0.42, -0.5, 0.08])
}

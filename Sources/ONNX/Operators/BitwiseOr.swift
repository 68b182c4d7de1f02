/// The ONNX operator BitwiseOr.
enum BitwiseOr {
  static let description = BitOperation.bitwise("BitwiseOr", .or)
}

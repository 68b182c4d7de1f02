/// The ONNX operator BitwiseAnd.
enum BitwiseAnd {
  static let description = BitOperation.bitwise("BitwiseAnd", .and)
}

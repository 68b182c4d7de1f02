/// The ONNX operator BitwiseXor.
enum BitwiseXor {
  static let description = BitOperation.bitwise("BitwiseXor", .exclusiveOr)
}

/// The ONNX operator Xor.
enum Xor {
  static let description = BitOperation.logical("Xor", .exclusiveOr)
}

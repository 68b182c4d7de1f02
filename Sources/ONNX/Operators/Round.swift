import Glibc

/// The ONNX operator Round, halves to the even neighbour.
enum Round {
  static let description = UnaryFunction.description("Round", nil, { $0.rounded(.toNearestOrEven) })
}

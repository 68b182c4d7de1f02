/// The ONNX operator CumSum.
enum CumSum {
  static let description = Accumulation.description("CumSum", isProduct: false)
}

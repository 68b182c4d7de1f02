/// The ONNX operator CumProd.
enum CumProd {
  static let description = Accumulation.description("CumProd", isProduct: true)
}

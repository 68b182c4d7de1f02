/// The operators FusedMatMul and TransposeMatMul of com.microsoft: alpha · op(A) · op(B).
enum FusedMatMul {
  static let expansion = expansion("FusedMatMul")
  static let transposeExpansion = expansion("TransposeMatMul")

  private static func expansion(_ type: String) -> OperatorExpansion {
    OperatorExpansion(type, inputs: 2...2, support: "FP16, BF16, FP32, FP64; without transBatchA and B") {
      writer in
      for name in ["transBatchA", "transBatchB"] where try writer.reader.flag(name, default: false) {
        throw ONNXError(.unsupported, "\(name) 1")
      }
      var operands = [try writer.input(0), try writer.input(1)]
      for (place, name) in ["transA", "transB"].enumerated()
      where try writer.reader.flag(name, default: false) {
        operands[place] = writer.add(
          "MatrixTranspose", [operands[place]], domain: ExpansionWriter.ownDomain)
      }
      var product: String = writer.add("MatMul", operands)
      let alpha = try writer.reader.float("alpha", default: 1)
      if alpha != 1 {
        let factor = writer.number(alpha, like: operands[0])
        product = writer.add("Mul", [product, factor])
      }
      writer.give(product)
    }
  }
}

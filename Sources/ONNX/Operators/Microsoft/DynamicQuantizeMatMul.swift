import Tensors

/// The operator DynamicQuantizeMatMul of com.microsoft: A quantised by its own range, times a quantised B.
enum DynamicQuantizeMatMul {
  static let expansion = OperatorExpansion(
    "DynamicQuantizeMatMul", inputs: 3...5, support: "FP32 by INT8, UINT8"
  ) { writer in
    let quantized = writer.add("DynamicQuantizeLinear", [try writer.input(0)], outputs: 3)
    var y = try IntegerProduct.add(
      &writer, a: quantized[0], b: try writer.input(1), aZero: quantized[2], bZero: writer.optional(3),
      aScale: quantized[1], bScale: try writer.input(2))
    if let bias = writer.optional(4) { y = writer.add("Add", [y, bias]) }
    writer.give(y)
  }
}

/// The operator MatMulIntegerToFloat of com.microsoft.
enum MatMulIntegerToFloat {
  static let expansion = OperatorExpansion(
    "MatMulIntegerToFloat", inputs: 4...7, support: "INT8, UINT8 to FP32"
  ) { writer in
    var y = try IntegerProduct.add(
      &writer, a: try writer.input(0), b: try writer.input(1), aZero: writer.optional(4),
      bZero: writer.optional(5), aScale: try writer.input(2), bScale: try writer.input(3))
    if let bias = writer.optional(6) { y = writer.add("Add", [y, bias]) }
    writer.give(y)
  }
}

/// Writes a product of quantised matrices, as dynamic quantisation spells it.
enum IntegerProduct {
  static func add(
    _ writer: inout ExpansionWriter, a: String, b: String, aZero: String?, bZero: String?, aScale: String,
    bScale: String
  ) throws -> String {
    let sums: String = writer.add("MatMulInteger", [a, b, aZero, bZero])
    let floats: String = writer.add("Cast", [sums], ["to": .int(ElementType.number(.fp32))])
    let scales: String = writer.add("Mul", [aScale, bScale])
    return writer.add("Mul", [floats, scales])
  }
}

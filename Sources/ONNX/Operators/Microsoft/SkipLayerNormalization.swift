/// The operators SkipLayerNormalization and SkipSimplifiedLayerNormalization of com.microsoft, and
/// SimplifiedLayerNormalization, which ONNX Runtime writes into the default domain.
enum SkipLayerNormalization {
  static let expansion = OperatorExpansion(
    "SkipLayerNormalization", inputs: 3...5, outputs: 1...4,
    support: "FP16, BF16, FP32; without the outputs of statistics"
  ) { writer in
    let sum = try sum(&writer, bias: 4)
    let normalized: String = writer.add(
      "LayerNormalization", [sum, try writer.input(2), writer.optional(3)], try epsilon(writer))
    writer.give(0, normalized)
    writer.give(3, sum)
  }

  static let simplifiedExpansion = OperatorExpansion(
    "SkipSimplifiedLayerNormalization", inputs: 3...4, outputs: 1...4,
    support: "FP16, BF16, FP32; without the outputs of statistics"
  ) { writer in
    let sum = try sum(&writer, bias: 3)
    writer.give(0, writer.add("RMSNormalization", [sum, try writer.input(2)], try epsilon(writer)))
    writer.give(3, sum)
  }

  static let plainExpansion = OperatorExpansion(
    "SimplifiedLayerNormalization", domain: "", inputs: 2...2, outputs: 1...2,
    support: "FP16, BF16, FP32; without the output of statistics"
  ) { writer in
    try writer.refuse(output: 1, "the inverse deviation")
    var attributes = try epsilon(writer, fallback: 1e-5)
    attributes["axis"] = .int(try writer.reader.int("axis", default: -1))
    writer.give(
      writer.add("RMSNormalization", [try writer.input(0), try writer.input(1)], attributes))
  }

  private static func sum(_ writer: inout ExpansionWriter, bias: Int) throws -> String {
    for output in 1...2 { try writer.refuse(output: output, "which only training needs") }
    var sum: String = writer.add("Add", [try writer.input(0), try writer.input(1)])
    if let bias = writer.optional(bias) { sum = writer.add("Add", [sum, bias]) }
    return sum
  }

  private static func epsilon(_ writer: ExpansionWriter, fallback: Float = 1e-12) throws -> [String:
    Attribute]
  {
    ["epsilon": .float(try writer.reader.float("epsilon", default: fallback)), "axis": .int(-1)]
  }
}

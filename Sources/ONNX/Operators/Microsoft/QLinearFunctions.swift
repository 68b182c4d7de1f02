/// The operators of com.microsoft that compute a function of quantised tensors: each is spelled as
/// DequantizeLinear, the operator of floats, QuantizeLinear, as QDQ models are.
enum QLinearFunctions {
  static let all: [OperatorExpansion] = [
    binary("QLinearAdd", "Add"), binary("QLinearMul", "Mul"),
    unary("QLinearSigmoid") { writer, x in writer.add("Sigmoid", [x]) },
    unary("QLinearLeakyRelu") { writer, x in
      writer.add("LeakyRelu", [x], ["alpha": .float(try writer.reader.float("alpha", default: 0.01))])
    },
    unary("QLinearSoftmax") { writer, x in
      let opset = try writer.reader.int("opset", default: 13)
      let axis = try writer.reader.int("axis", default: opset < 13 ? 1 : -1)
      return writer.add("Softmax", [x], ["axis": .int(axis)], opset: opset)
    },
    unary("QLinearReduceMean") { writer, x in
      let axes = try writer.reader.ints("axes").map { writer.list($0) }
      let kept = try writer.reader.int("keepdims", default: 1)
      return writer.add("ReduceMean", [x, axes], ["keepdims": .int(kept)])
    },
    unary("QLinearGlobalAveragePool") { writer, x in
      try aroundImages(&writer, x) { writer, x in writer.add("GlobalAveragePool", [x]) }
    },
    unary("QLinearAveragePool") { writer, x in
      let window = writer.node.attributes.filter { $0.key != "channels_last" }
      return try aroundImages(&writer, x) { writer, x in writer.add("AveragePool", [x], window) }
    },
    concatenation, selection, product,
  ]

  private static let support = "INT8, UINT8"

  private static func floats(_ writer: inout ExpansionWriter, _ place: Int) throws -> String {
    writer.add(
      "DequantizeLinear",
      [try writer.input(place), try writer.input(place + 1), writer.optional(place + 2)])
  }

  /// Gives the output, quantised with the scale and zero point at `place`.
  private static func quantize(_ writer: inout ExpansionWriter, _ y: String, _ place: Int) throws {
    writer.give(
      writer.add("QuantizeLinear", [y, try writer.input(place), writer.optional(place + 1)]))
  }

  private static func binary(_ type: String, _ operation: String) -> OperatorExpansion {
    OperatorExpansion(type, inputs: 7...8, support: support) { writer in
      let (a, b) = (try floats(&writer, 0), try floats(&writer, 3))
      let y: String = writer.add(operation, [a, b])
      try quantize(&writer, y, 6)
    }
  }

  private static func unary(
    _ type: String, _ body: @escaping @Sendable (inout ExpansionWriter, String) throws -> String
  ) -> OperatorExpansion {
    OperatorExpansion(type, inputs: 4...5, support: support) { writer in
      let x = try floats(&writer, 0)
      let y = try body(&writer, x)
      try quantize(&writer, y, 3)
    }
  }

  /// An operator on images [batch, channels, …], for images [batch, height, width, channels] too.
  private static func aroundImages(
    _ writer: inout ExpansionWriter, _ x: String,
    _ body: (inout ExpansionWriter, String) -> String
  ) throws -> String {
    guard try writer.reader.flag("channels_last", default: false) else { return body(&writer, x) }
    let first: String = writer.add("Transpose", [x], ["perm": .ints([0, 3, 1, 2])])
    let y = body(&writer, first)
    return writer.add("Transpose", [y], ["perm": .ints([0, 2, 3, 1])])
  }

  private static let concatenation = OperatorExpansion(
    "QLinearConcat", inputs: 5...Int.max, support: support
  ) { writer in
    var parts: [String] = []
    for place in stride(from: 2, to: writer.node.inputs.count, by: 3) {
      parts.append(try floats(&writer, place))
    }
    let axis = try writer.reader.required("axis", try writer.reader.int("axis"))
    let y: String = writer.add("Concat", parts, ["axis": .int(axis)])
    try quantize(&writer, y, 0)
  }

  private static let selection = OperatorExpansion("QLinearWhere", inputs: 8...9, support: support) {
    writer in
    let (x, y) = (try floats(&writer, 1), try floats(&writer, 4))
    let z: String = writer.add("Where", [try writer.input(0), x, y])
    try quantize(&writer, z, 7)
  }

  private static let product = OperatorExpansion(
    "QGemm", inputs: 6...9, support: support + " to these or FP32"
  ) {
    writer in
    let a = try floats(&writer, 0)
    let columns = try writer.reader.flag("transB", default: false) ? 0 : 1
    let b: String = writer.add(
      "DequantizeLinear", [try writer.input(3), try writer.input(4), writer.optional(5)],
      ["axis": .int(columns)])
    let alpha = try writer.reader.float("alpha", default: 1)
    var bias: String?
    if let levels = writer.optional(6) {
      var scale: String = writer.add("Mul", [try writer.input(1), try writer.input(4)])
      if alpha != 1 { scale = writer.add("Mul", [scale, writer.number(alpha, like: scale)]) }
      let floats: String = writer.add("CastLike", [levels, scale])
      bias = writer.add("Mul", [floats, scale])
    }
    let y: String = writer.add("Gemm", [a, b, bias], writer.node.attributes)
    if writer.optional(7) == nil { writer.give(y) } else { try quantize(&writer, y, 7) }
  }
}

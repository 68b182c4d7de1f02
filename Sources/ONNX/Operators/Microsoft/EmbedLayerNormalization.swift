/// The operator EmbedLayerNormalization of com.microsoft: the embeddings of words, positions and segments
/// added and normalized.
enum EmbedLayerNormalization {
  static let expansion = OperatorExpansion(
    "EmbedLayerNormalization", inputs: 7...9, outputs: 1...3, support: "FP16, BF16, FP32"
  ) { writer in
    let tokens = try writer.input(0)
    var sum: String = writer.add("Gather", [try writer.input(2), tokens])
    let positions: String
    if let places = writer.optional(8) {
      positions = writer.add("Gather", [try writer.input(3), places])
    } else {
      let zero = writer.list([0])
      let length: String = writer.add("Shape", [tokens], ["start": .int(1), "end": .int(2)])
      positions = writer.add("Slice", [try writer.input(3), zero, length, zero])
    }
    sum = writer.add("Add", [sum, positions])
    if let segments = writer.optional(1), let table = writer.optional(4) {
      let segment: String = writer.add("Gather", [table, segments])
      sum = writer.add("Add", [sum, segment])
    }
    let epsilon = Attribute.float(try writer.reader.float("epsilon", default: 1e-12))
    writer.give(
      0,
      writer.add(
        "LayerNormalization", [sum, try writer.input(5), try writer.input(6)],
        ["epsilon": epsilon, "axis": .int(-1)]))
    if writer.wants(1) { writer.give(1, try lengths(&writer, tokens)) }
    writer.give(2, sum)
  }

  /// How many tokens of each row the mask lets through: zeros without a mask.
  private static func lengths(_ writer: inout ExpansionWriter, _ tokens: String) throws -> String {
    let axis = writer.list([1])
    if let mask = writer.optional(7) {
      return writer.add("ReduceSum", [mask, axis], ["keepdims": .int(0)])
    }
    let sums: String = writer.add("ReduceSum", [tokens, axis], ["keepdims": .int(0)])
    return writer.add("Sub", [sums, sums])
  }
}

import Tensors

/// The operators of com.microsoft on images [batch, height, width, channels], and those that are operators of
/// the default domain under another roof.
enum RelocatedOperators {
  static let all: [OperatorExpansion] = [
    OperatorExpansion("NhwcMaxPool", inputs: 1...1, support: "as MaxPool") { writer in
      try channelsLast(&writer, "MaxPool", [try writer.input(0)])
    },
    OperatorExpansion("NhwcConv", inputs: 2...3, support: "as Conv") { writer in
      try channelsLast(
        &writer, "Conv", [try writer.input(0), try writer.input(1), writer.optional(2)])
    },
    OperatorExpansion("QLinearConv", inputs: 8...9, support: "as QLinearConv; channels_last") { writer in
      let inputs = (0..<writer.node.inputs.count).map { writer.optional($0) }
      if try writer.reader.flag("channels_last", default: false) {
        try channelsLast(&writer, "QLinearConv", inputs)
      } else {
        let window = writer.node.attributes.filter { $0.key != "channels_last" }
        writer.give(writer.add("QLinearConv", inputs, window))
      }
    },
    same("QuantizeLinear", 2...3), same("DequantizeLinear", 2...3), same("Trilu", 1...2),
    same("Range", 2...3), same("GatherND", 2...2), same("Pad", 2...3), same("GridSample", 2...2),
    same("Unique", 1...1, outputs: 1...3),
    OperatorExpansion("ExpandDims", inputs: 2...2, support: "as Unsqueeze") { writer in
      let shape = writer.list([1])
      let axis: String = writer.add("Reshape", [try writer.input(1), shape])
      let wide: String = writer.add("Cast", [axis], ["to": .int(ElementType.number(.int64))])
      writer.give(writer.add("Unsqueeze", [try writer.input(0), wide]))
    },
    distances,
  ]

  private static func same(_ type: String, _ inputs: ClosedRange<Int>, outputs: ClosedRange<Int> = 1...1)
    -> OperatorExpansion
  {
    OperatorExpansion(type, inputs: inputs, outputs: outputs, support: "as \(type) of ai.onnx") { writer in
      var names = (0..<writer.node.inputs.count).map { writer.optional($0) }
      // Range's step may be left out here.
      if type == "Range", names.count < 3 || names[2] == nil {
        let one = writer.number(1, like: try writer.input(0))
        names = [names[0], names[1], one]
      }
      // GridSample's words changed with opset 20.
      let results = writer.add(
        type, names, writer.node.attributes, outputs: writer.node.outputs.count,
        opset: type == "GridSample" ? 16 : 21)
      for (place, result) in results.enumerated() { writer.give(place, result) }
    }
  }

  private static func channelsLast(_ writer: inout ExpansionWriter, _ type: String, _ inputs: [String?])
    throws
  {
    let window = writer.node.attributes.filter { $0.key != "channels_last" }
    let x: String = writer.add("Transpose", [inputs[0]], ["perm": .ints([0, 3, 1, 2])])
    let y: String = writer.add(type, [x] + inputs.dropFirst(), window)
    writer.give(writer.add("Transpose", [y], ["perm": .ints([0, 2, 3, 1])]))
  }

  /// CDist: the distances of all rows of A to all rows of B.
  private static let distances = OperatorExpansion(
    "CDist", inputs: 2...2, support: "FP16, BF16, FP32, FP64; metrics euclidean and sqeuclidean"
  ) { writer in
    let metric = try writer.reader.string("metric") ?? "sqeuclidean"
    guard ["euclidean", "sqeuclidean"].contains(metric) else {
      throw ONNXError(.unsupported, "metric '\(metric)'; supported: euclidean, sqeuclidean")
    }
    let (rows, columns, last) = (writer.list([1]), writer.list([0]), writer.list([2]))
    let a: String = writer.add("Unsqueeze", [try writer.input(0), rows])
    let b: String = writer.add("Unsqueeze", [try writer.input(1), columns])
    let difference: String = writer.add("Sub", [a, b])
    let squares: String = writer.add("ReduceSumSquare", [difference, last], ["keepdims": .int(0)])
    writer.give(metric == "euclidean" ? writer.add("Sqrt", [squares]) : squares)
  }
}

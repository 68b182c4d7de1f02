import Tensors

/// The operator DynamicQuantizeLSTM of com.microsoft, computed with its weights as FP32.
enum DynamicQuantizeLSTM {
  static let expansion = OperatorExpansion(
    "DynamicQuantizeLSTM", inputs: 11...12, outputs: 1...3,
    support: "FP32 by INT8, UINT8; activations stay FP32"
  ) { writer in
    let w = try weights(&writer, 1, scale: 8, zero: 9)
    let r = try weights(&writer, 2, scale: 10, zero: 11)
    let rest = (3...7).map { writer.optional($0) }
    let outputs = writer.add(
      "LSTM", [try writer.input(0), w, r] + rest, writer.node.attributes,
      outputs: writer.node.outputs.count)
    for (place, output) in outputs.enumerated() { writer.give(place, output) }
  }

  /// [directions, inputs, 4 · hidden] with a scale a direction or a column, as LSTM takes it.
  private static func weights(_ writer: inout ExpansionWriter, _ place: Int, scale: Int, zero: Int) throws
    -> String
  {
    var levels: String = writer.add(
      "Cast", [try writer.input(place)], ["to": .int(ElementType.number(.fp32))])
    // [directions] to [directions, 1, 1]; [directions, columns] to [directions, 1, columns].
    func factor(_ writer: inout ExpansionWriter, _ name: String) -> String {
      let flat: String = writer.add("Flatten", [name], ["axis": .int(1)])
      return writer.add("Reshape", [flat, writer.list([0, 1, -1])])
    }
    if let name = writer.optional(zero) {
      let zeros: String = writer.add("Cast", [name], ["to": .int(ElementType.number(.fp32))])
      let shaped = factor(&writer, zeros)
      levels = writer.add("Sub", [levels, shaped])
    }
    let scales = factor(&writer, try writer.input(scale))
    let values: String = writer.add("Mul", [levels, scales])
    return writer.add("Transpose", [values], ["perm": .ints([0, 2, 1])])
  }
}

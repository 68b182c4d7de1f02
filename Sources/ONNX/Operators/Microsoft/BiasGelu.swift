/// The operators Gelu, BiasGelu, FastGelu and QuickGelu of com.microsoft.
enum BiasGelu {
  static let plainExpansion = OperatorExpansion(
    "Gelu", inputs: 1...1, support: UnaryFunction.floatSupport
  ) { writer in writer.give(writer.add("Gelu", [try writer.input(0)])) }

  static let expansion = OperatorExpansion(
    "BiasGelu", inputs: 2...2, support: UnaryFunction.floatSupport
  ) { writer in
    let sum: String = writer.add("Add", [try writer.input(0), try writer.input(1)])
    writer.give(writer.add("Gelu", [sum]))
  }

  static let fastExpansion = OperatorExpansion(
    "FastGelu", inputs: 1...2, support: UnaryFunction.floatSupport
  ) { writer in
    var x = try writer.input(0)
    if let bias = writer.optional(1) { x = writer.add("Add", [x, bias]) }
    writer.give(writer.add("Gelu", [x], ["approximate": .string("tanh")]))
  }

  static let quickExpansion = OperatorExpansion(
    "QuickGelu", inputs: 1...1, support: UnaryFunction.floatSupport
  ) { writer in
    let alpha = try writer.reader.float("alpha", default: 1.702)
    let x = try writer.input(0)
    if alpha == 1 {
      writer.give(writer.add("Swish", [x]))
    } else {
      let factor = writer.number(alpha, like: x)
      let scaled: String = writer.add("Mul", [x, factor])
      let gate: String = writer.add("Sigmoid", [scaled])
      writer.give(writer.add("Mul", [x, gate]))
    }
  }
}

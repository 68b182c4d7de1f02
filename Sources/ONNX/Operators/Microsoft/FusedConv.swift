/// The operator FusedConv of com.microsoft: a convolution, a residual and an activation.
enum FusedConv {
  static let expansion = OperatorExpansion(
    "FusedConv", inputs: 2...4,
    support: "as Conv; activations Relu, Tanh, Sigmoid, LeakyRelu, Clip, HardSigmoid"
  ) { writer in
    let own: Set<String> = ["activation", "activation_params"]
    let window = writer.node.attributes.filter { !own.contains($0.key) }
    var y: String = writer.add(
      "Conv", [try writer.input(0), try writer.input(1), writer.optional(2)], window)
    if let residual = writer.optional(3) { y = writer.add("Add", [y, residual]) }
    let parameters = try writer.reader.floats("activation_params") ?? []
    writer.give(
      try FusedActivation.add(
        &writer, y, try writer.reader.string("activation") ?? "", parameters))
  }
}

/// The operator FusedGemm of com.microsoft: a Gemm and an activation.
enum FusedGemm {
  static let expansion = OperatorExpansion(
    "FusedGemm", inputs: 2...3, support: "as Gemm; activations as FusedConv"
  ) { writer in
    let gemm = writer.node.attributes.filter { !$0.key.hasPrefix("activation") }
    let y: String = writer.add(
      "Gemm", [try writer.input(0), try writer.input(1), writer.optional(2)], gemm)
    var parameters: [Float] = []
    for name in ["activation_alpha", "activation_beta"] where writer.reader.has(name) {
      parameters.append(try writer.reader.float(name, default: 0))
    }
    writer.give(
      try FusedActivation.add(&writer, y, try writer.reader.string("activation") ?? "", parameters))
  }
}

/// The activation that a fused operator ends with.
enum FusedActivation {
  static func add(_ writer: inout ExpansionWriter, _ x: String, _ name: String, _ parameters: [Float]) throws
    -> String
  {
    func parameter(_ index: Int, _ fallback: Float) -> Float {
      index < parameters.count ? parameters[index] : fallback
    }
    switch name {
    case "": return x
    case "Relu", "Tanh", "Sigmoid", "Softplus", "Softsign": return writer.add(name, [x])
    case "LeakyRelu", "Elu", "ThresholdedRelu":
      return writer.add(name, [x], ["alpha": .float(parameter(0, name == "LeakyRelu" ? 0.01 : 1))])
    case "HardSigmoid":
      return writer.add(
        name, [x], ["alpha": .float(parameter(0, 0.2)), "beta": .float(parameter(1, 0.5))])
    case "Clip":
      let low = writer.number(parameter(0, -.greatestFiniteMagnitude), like: x)
      let high = writer.number(parameter(1, .greatestFiniteMagnitude), like: x)
      return writer.add("Clip", [x, low, high])
    default: throw ONNXError(.unsupported, "activation '\(name)'")
    }
  }
}

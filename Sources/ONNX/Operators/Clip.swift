import Kernels
import Tensors

/// The ONNX operator Clip: bounds are attributes before opset 11, inputs since.
struct Clip: Operation {
  static let description = OperatorDescription(
    "Clip", inputs: 1...3, support: "FP16, BF16, FP32, FP64, all integers; bounds as attributes or inputs"
  ) { reader in
    if reader.opset >= 11 { return Clip(attributes: nil) }
    return Clip(
      attributes: (
        try reader.float("min", default: -.greatestFiniteMagnitude),
        try reader.float("max", default: .greatestFiniteMagnitude)
      ))
  }

  let name = "Clip"
  /// The bounds of an older opset; nil when they are inputs.
  let attributes: (low: Float, high: Float)?

  var computesInFloat: Bool { true }

  func infer(_ node: NodeFacts) throws -> [TensorFact] {
    try node.require(0, BinaryArithmetic.datatypes)
    let x = try node.input(0)
    for index in 1...2 {
      guard let bound = node.optional(index) else { continue }
      guard bound.datatype == x.datatype, bound.dimensions.allSatisfy({ $0.known ?? 1 == 1 }) else {
        throw ONNXError(
          .invalid,
          "input \(index) is \(bound.datatype.name)\(bound.shapeText), expected one \(x.datatype.name)")
      }
      if bound.rows != .shared { return [TensorFact(x.datatype, x.dimensions, rows: .mixed)] }
    }
    return [TensorFact(x.datatype, x.dimensions, rows: x.rows)]
  }

  func step(_ node: StepRequest) throws -> Step {
    let x = try node.input(0)
    switch x.datatype {
    case .fp32: return try floatStep(node, x)
    case .fp64: return try loop(node, Double.self, -.infinity, .infinity)
    case .int8: return try loop(node, Int8.self, .min, .max)
    case .int16: return try loop(node, Int16.self, .min, .max)
    case .int32: return try loop(node, Int32.self, .min, .max)
    case .int64: return try loop(node, Int64.self, .min, .max)
    case .uint8: return try loop(node, UInt8.self, .min, .max)
    case .uint16: return try loop(node, UInt16.self, .min, .max)
    case .uint32: return try loop(node, UInt32.self, .min, .max)
    default: return try loop(node, UInt64.self, .min, .max)
    }
  }

  private func floatStep(_ node: StepRequest, _ x: Operand) throws -> Step {
    let y = try node.output()
    let low = node.optional(1)
    let high = node.optional(2)
    let attributes = attributes
    return Step(inPlaceInput: 0) { memory in
      let bounds = (
        low.map { memory.floats($0)[0] } ?? attributes?.low ?? -.infinity,
        high.map { memory.floats($0)[0] } ?? attributes?.high ?? .infinity
      )
      memory.kernels.unary(
        .activation(.clip(low: bounds.0, high: bounds.1)), memory.floats(x), memory.floats(y), count: x.count,
        team: memory.team)
    }
  }

  private func loop<Element: Comparable & Sendable>(
    _ node: StepRequest, _: Element.Type, _ lowest: Element, _ highest: Element
  ) throws -> Step {
    let x = try node.input(0)
    let y = try node.output()
    let low = node.optional(1)
    let high = node.optional(2)
    return Step(inPlaceInput: 0) { memory in
      let floor = low.map { memory.elements($0, as: Element.self)[0] } ?? lowest
      let ceiling = high.map { memory.elements($0, as: Element.self)[0] } ?? highest
      let source = memory.elements(x, as: Element.self)
      let target = memory.elements(y, as: Element.self)
      for index in 0..<x.count { target[index] = min(max(source[index], floor), ceiling) }
    }
  }

  /// The clip as an activation, when its bounds are known before the run.
  func activation(low: Constant?, high: Constant?) -> Activation? {
    if let attributes { return .clip(low: attributes.low, high: attributes.high) }
    for bound in [low, high] {
      if let bound, bound.datatype != .fp32 || bound.elementCount != 1 { return nil }
    }
    return .clip(low: low?.float(at: 0) ?? -.infinity, high: high?.float(at: 0) ?? .infinity)
  }
}

extension Clip: ChannelsLastCapable {
  func channelsLast(_ inputs: [TensorFact?]) -> ChannelsLastForm? {
    inputs.first??.rank == 4 ? ChannelsLastForm(operation: self, inputs: [true, false, false]) : nil
  }
}

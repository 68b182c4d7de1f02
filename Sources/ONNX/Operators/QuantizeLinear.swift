import Kernels
import Tensors

/// The ONNX operator QuantizeLinear: to 8 or 16 bits, by one scale, one a channel, or one a block.
struct QuantizeLinear: Operation {
  static let description = OperatorDescription(
    "QuantizeLinear", inputs: 2...3,
    support: "FP16, BF16, FP32, INT32 to INT8, UINT8, INT16, UINT16; one scale, one a channel or a block"
  ) { reader in
    let number = try reader.int("output_dtype", default: 0)
    let datatype = number == 0 ? nil : ElementType.datatype(number)
    guard number == 0 || datatype.map({ Self.targets.contains($0) }) ?? false else {
      throw ONNXError(.unsupported, "a result of \(ElementType.name(number))")
    }
    guard try [0, 1].contains(reader.int("precision", default: 0)) else {
      throw ONNXError(.unsupported, "precision \(try reader.int("precision", default: 0))")
    }
    return QuantizeLinear(
      axis: try reader.int("axis", default: 1), block: try reader.int("block_size", default: 0),
      target: datatype)
  }

  static let targets: [Datatype] = [.uint8, .int8, .uint16, .int16]

  let name = "QuantizeLinear"
  let axis: Int
  let block: Int
  let target: Datatype?
  var computesInFloat: Bool { true }

  func infer(_ node: NodeFacts) throws -> [TensorFact] {
    try node.require(0, .fp32, .int32)
    try node.require(1, .fp32)
    let x = try node.input(0)
    let datatype = node.optional(2)?.datatype ?? target ?? .uint8
    guard Self.targets.contains(datatype), target == nil || target == datatype else {
      throw ONNXError(.unsupported, "a zero point of \(datatype.name)")
    }
    let isShared = (1...2).allSatisfy { node.optional($0)?.rows ?? .shared == .shared }
    return [TensorFact(datatype, x.dimensions, rows: isShared ? x.rows : node.rowsOfMixture)]
  }

  func step(_ node: StepRequest) throws -> Step {
    if let step = try wholeStep(node) { return step }
    switch try node.output().datatype {
    case .uint8: return try step(node, UInt8.self)
    case .int8: return try step(node, Int8.self)
    case .uint16: return try step(node, UInt16.self)
    default: return try step(node, Int16.self)
    }
  }

  /// One constant scale for all elements: what the kernels have.
  private func wholeStep(_ node: StepRequest) throws -> Step? {
    let (x, y) = (try node.input(0), try node.output())
    guard x.datatype == .fp32, node.optional(2) == nil || node.optional(2)?.constant != nil,
      let scale = QuantizationScale(
        scale: try node.input(1).constant, zeroPoint: node.optional(2)?.constant, y.datatype)
    else { return nil }
    return Step { memory in
      memory.kernels.quantize(memory.floats(x), memory[y], count: x.count, scale.kernel, team: memory.team)
    }
  }

  private func step<Element: FixedWidthInteger & Sendable>(_ node: StepRequest, _: Element.Type) throws
    -> Step
  {
    let (x, scale, y) = (try node.input(0), try node.input(1), try node.output())
    let zero = node.optional(2)
    let grid = try QuantizationGrid(x.shape, scale: scale.shape, axis: axis, block: block)
    guard zero.map({ $0.count == scale.count }) ?? true else {
      throw ONNXError(.invalid, "zero points of another shape than the scales")
    }
    return Step { memory in
      let target = memory.elements(y, as: Element.self)
      let (factors, floats, integers) = (
        memory.floats(scale), memory.floats(x), memory.elements(x, as: Int32.self)
      )
      let zeros = zero.map { memory.elements($0, as: Element.self) }
      grid.forEachRun { run, place in
        let offset = Float(zeros?[place] ?? 0)
        for index in run {
          let value = x.datatype == .fp32 ? floats[index] : Float(integers[index])
          target[index] = Self.quantized(value / factors[place], offset)
        }
      }
    }
  }

  /// The nearest level, halves to the even one, within the range of the datatype.
  static func quantized<Element: FixedWidthInteger>(_ value: Float, _ zero: Float) -> Element {
    let level = value.rounded(.toNearestOrEven) + zero
    if level.isNaN { return 0 }
    return Element(min(max(level, Float(Element.min)), Float(Element.max)))
  }
}

extension QuantizeLinear: ChannelsLastCapable {
  func channelsLast(_ inputs: [TensorFact?]) -> ChannelsLastForm? {
    guard inputs[0]?.rank == 4, inputs[1]?.constant?.elementCount == 1 else { return nil }
    return ChannelsLastForm(operation: self, inputs: [true, false, false])
  }
}

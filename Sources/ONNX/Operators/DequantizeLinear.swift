import Kernels
import Tensors

/// The ONNX operator DequantizeLinear: from 8, 16 or 32 bits, by one scale, one a channel, or one a block.
struct DequantizeLinear: Operation {
  static let description = OperatorDescription(
    "DequantizeLinear", inputs: 2...3,
    support: "INT8, UINT8, INT16, UINT16, INT32 to FP16, BF16, FP32; one scale, one a channel or a block"
  ) { reader in
    if let number = try reader.int("output_dtype"), number != 0 {
      throw ONNXError(.unsupported, "output_dtype")
    }
    return DequantizeLinear(
      axis: try reader.int("axis", default: 1), block: try reader.int("block_size", default: 0))
  }

  let name = "DequantizeLinear"
  let axis: Int
  let block: Int
  var computesInFloat: Bool { true }

  func infer(_ node: NodeFacts) throws -> [TensorFact] {
    try node.require(0, .uint8, .int8, .uint16, .int16, .int32)
    try node.require(1, .fp32)
    let x = try node.input(0)
    if let zero = node.optional(2), zero.datatype != x.datatype {
      throw ONNXError(.invalid, "zero points of \(zero.datatype.name) for \(x.datatype.name)")
    }
    let isShared = (1...2).allSatisfy { node.optional($0)?.rows ?? .shared == .shared }
    return [TensorFact(.fp32, x.dimensions, rows: isShared ? x.rows : node.rowsOfMixture)]
  }

  func step(_ node: StepRequest) throws -> Step {
    if let step = try wholeStep(node) { return step }
    switch try node.input(0).datatype {
    case .uint8: return try step(node, UInt8.self)
    case .int8: return try step(node, Int8.self)
    case .uint16: return try step(node, UInt16.self)
    case .int16: return try step(node, Int16.self)
    default: return try step(node, Int32.self)
    }
  }

  /// One constant scale for all elements: what the kernels have.
  private func wholeStep(_ node: StepRequest) throws -> Step? {
    let (x, y) = (try node.input(0), try node.output())
    guard node.optional(2) == nil || node.optional(2)?.constant != nil,
      let scale = QuantizationScale(
        scale: try node.input(1).constant, zeroPoint: node.optional(2)?.constant, x.datatype)
    else { return nil }
    return Step { memory in
      memory.kernels.dequantize(memory[x], memory.floats(y), count: x.count, scale.kernel, team: memory.team)
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
      let source = memory.elements(x, as: Element.self)
      let target = memory.floats(y)
      let factors = memory.floats(scale)
      let zeros = zero.map { memory.elements($0, as: Element.self) }
      grid.forEachRun { run, place in
        let offset = Int(zeros?[place] ?? 0)
        for index in run { target[index] = Float(Int(source[index]) - offset) * factors[place] }
      }
    }
  }
}

extension DequantizeLinear: ChannelsLastCapable {
  func channelsLast(_ inputs: [TensorFact?]) -> ChannelsLastForm? {
    guard inputs[0]?.rank == 4, inputs[1]?.constant?.elementCount == 1 else { return nil }
    return ChannelsLastForm(operation: self, inputs: [true, false, false])
  }
}

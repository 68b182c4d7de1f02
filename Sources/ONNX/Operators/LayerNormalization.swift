import Kernels
import Tensors

/// The ONNX operator LayerNormalization over the last axes.
struct LayerNormalization: Operation {
  static let description = OperatorDescription(
    "LayerNormalization", inputs: 2...3, outputs: 1...3,
    support: "FP16, BF16, FP32"
  ) { reader in
    if reader.hasOutput(1) || reader.hasOutput(2) {
      return LayerNormalizationStatistics(
        axis: try reader.int("axis", default: -1), epsilon: Double(try reader.float("epsilon", default: 1e-5))
      )
    }
    return LayerNormalization(
      axis: try reader.int("axis", default: -1), epsilon: try reader.float("epsilon", default: 1e-5))
  }

  let name = "LayerNormalization"
  let axis: Int
  let epsilon: Float

  var computesInFloat: Bool { true }

  func infer(_ node: NodeFacts) throws -> [TensorFact] {
    try node.require(0, .fp32)
    let x = try node.input(0)
    let place = try normalizedAxis(axis, rank: x.rank)
    var rows = x.rows
    for index in 1...2 {
      guard let factor = node.optional(index) else { continue }
      try node.require(index, .fp32)
      if factor.rows != .shared { rows = .mixed }
    }
    if case .axis(let row) = rows, row >= place { rows = .mixed }
    return [TensorFact(.fp32, x.dimensions, rows: rows)]
  }

  func step(_ node: StepRequest) throws -> Step {
    let x = try node.input(0)
    let y = try node.output()
    let place = try normalizedAxis(axis, rank: x.shape.rank)
    let columns = Shape(x.shape[place...]).elementCount ?? 0
    let rows = columns == 0 ? 0 : x.count / columns
    let scale = try node.input(1)
    let bias = node.optional(2)
    for factor in [scale, bias].compactMap(\.self) where factor.count != columns {
      throw ONNXError(.unsupported, "a scale or bias of shape \(factor.shape) for \(columns) columns")
    }
    let epsilon = epsilon
    return Step(inPlaceInput: 0) { memory in
      memory.kernels.layerNorm(
        memory.floats(x), scale: memory.floats(scale), bias: bias.map { UnsafePointer(memory.floats($0)) },
        memory.floats(y), rows: rows, columns: columns, epsilon: epsilon, team: memory.team)
    }
  }
}

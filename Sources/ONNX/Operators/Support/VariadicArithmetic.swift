import Kernels
import Tensors

/// The ONNX operators Sum, Max and Min: any number of tensors of one datatype, joined two at a time.
struct VariadicArithmetic: Operation {
  let name: String
  let operation: BinaryOperation

  var computesInFloat: Bool { true }

  func infer(_ node: NodeFacts) throws -> [TensorFact] {
    try node.requireSameDatatype(0..<node.inputs.count)
    try node.require(0, BinaryArithmetic.datatypes)
    let facts = try node.inputs.indices.map { try node.input($0) }
    let dimensions = try Broadcasting.dimensions(facts, node)
    return [TensorFact(facts[0].datatype, dimensions, rows: Broadcasting.rows(facts, output: dimensions))]
  }

  func step(_ node: StepRequest) throws -> Step {
    let y = try node.output()
    let first = try node.input(0)
    // The output starts as the first tensor, repeated, and takes in the others one by one.
    let copy = StridedCopy(
      shape: y.shape, strides: BroadcastIndex.strides(first.shape, to: y.shape), start: 0,
      elementBytes: y.datatype.byteCount)
    let pair = BinaryArithmetic(name: name, operation: operation)
    let steps = try node.inputs.indices.dropFirst().map { index in
      try pair.step(
        StepRequest(inputs: [y, try node.input(index)], outputs: [y], kernels: node.kernels, team: node.team))
    }
    return Step { memory in
      copy.run(memory[first], memory[y])
      for step in steps { try step.body(memory) }
    }
  }

  static func description(_ type: String, _ operation: BinaryOperation) -> OperatorDescription {
    OperatorDescription(
      type, inputs: 1...Int.max, support: "FP16, BF16, FP32, FP64, all integers; broadcasting"
    ) { _ in
      VariadicArithmetic(name: type, operation: operation)
    }
  }
}

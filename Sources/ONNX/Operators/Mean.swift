import Kernels
import Tensors

/// The ONNX operator Mean of any number of tensors, with broadcasting.
struct Mean: Operation {
  static let description = OperatorDescription(
    "Mean", inputs: 1...Int.max, support: "FP16, BF16, FP32, FP64; broadcasting"
  ) { _ in Mean() }

  let name = "Mean"
  var computesInFloat: Bool { true }
  private var sum: VariadicArithmetic { VariadicArithmetic(name: "Mean", operation: .add) }

  func infer(_ node: NodeFacts) throws -> [TensorFact] {
    try node.require(0, .fp32, .fp64)
    return try sum.infer(node)
  }

  func step(_ node: StepRequest) throws -> Step {
    let y = try node.output()
    let sum = try sum.step(node)
    let count = node.inputs.count
    return Step(scratchBytes: sum.scratchBytes) { memory in
      try sum.body(memory)
      if y.datatype == .fp32 {
        for index in 0..<y.count { memory.floats(y)[index] /= Float(count) }
      } else {
        for index in 0..<y.count { memory.elements(y, as: Double.self)[index] /= Double(count) }
      }
    }
  }
}

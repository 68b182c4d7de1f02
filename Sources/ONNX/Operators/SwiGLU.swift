import Glibc
import Tensors

/// The ONNX operator SwiGLU: the Swish of one tensor times another.
struct SwiGLU: Operation {
  static let description = OperatorDescription("SwiGLU", inputs: 2...2, support: "FP16, BF16, FP32, FP64") {
    reader in
    SwiGLU(alpha: Double(try reader.float("alpha", default: 1)))
  }

  let name = "SwiGLU"
  let alpha: Double
  var computesInFloat: Bool { true }

  func infer(_ node: NodeFacts) throws -> [TensorFact] {
    try node.requireSameDatatype(0..<2)
    try node.require(0, .fp32, .fp64)
    let facts = [try node.input(0), try node.input(1)]
    let dimensions = try Broadcasting.dimensions(facts, node)
    return [TensorFact(facts[0].datatype, dimensions, rows: Broadcasting.rows(facts, output: dimensions))]
  }

  func step(_ node: StepRequest) throws -> Step {
    let alpha = alpha
    if try node.output().datatype == .fp64 {
      return try PairLoop.step(node) { (a: Double, b: Double) -> Double in a / (1 + exp(-alpha * a)) * b }
    }
    return try PairLoop.step(node) { (a: Float, b: Float) -> Float in
      Float(Double(a) / (1 + exp(-alpha * Double(a))) * Double(b))
    }
  }
}

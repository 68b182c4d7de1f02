import Kernels
import Tensors

/// A product of 8-bit integers with constant weights, scales and zero points: QLinearMatMul, or a MatMul or
/// Gemm between DequantizeLinear and QuantizeLinear.
///
/// Inputs: the matrices [rows, k], over any number of axes. The output is of 8-bit integers or FP32.
struct QuantizedProduct: Operation {
  let name = "QuantizedProduct"
  let input: QuantizationScale
  let packed: PackedIntegerMatrix
  let activation: Activation
  let output: QuantizedOutput

  func infer(_ node: NodeFacts) throws -> [TensorFact] {
    try node.require(0, input.datatype)
    let x = try node.input(0)
    guard x.rank >= 2, x.dimensions[x.rank - 1].known ?? packed.k == packed.k else {
      throw ONNXError(.invalid, "a matrix of shape \(x.shapeText) for weights [\(packed.k),\(packed.n)]")
    }
    return [
      TensorFact(
        output.target?.datatype ?? .fp32, x.dimensions.dropLast() + [Dimension(packed.n)], rows: x.rows)
    ]
  }

  func step(_ node: StepRequest) throws -> Step {
    let (x, y) = (try node.input(0), try node.output())
    if y.count == 0 { return Step { _ in } }
    let shape = MatmulShape(m: y.count / packed.n, n: packed.n, k: packed.k)
    let scratch = node.kernels.integerMatmulScratchByteCount(shape, packed: true, team: node.team)
    let (input, output, activation, packed) = (input, output, activation, packed)
    return Step(scratchBytes: scratch, arithmetic: shape.arithmetic) { memory in
      memory.kernels.integerMatmul(
        shape, a: input.matrix(memory[x]), b: packed,
        output: output.output(memory[y], activation: activation),
        scratch: memory.scratch, team: memory.team)
    }
  }
}

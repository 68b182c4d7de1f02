import Kernels
import Tensors

/// The ONNX operator Pow, with base and exponent of one datatype.
struct Pow: Operation {
  static let description = OperatorDescription(
    "Pow", inputs: 2...2, support: "FP32, FP64, all integers, base and exponent of one datatype; broadcasting"
  ) { _ in Pow() }

  let name = "Pow"
  private var arithmetic: BinaryArithmetic { BinaryArithmetic(name: "Pow", operation: .power) }

  func infer(_ node: NodeFacts) throws -> [TensorFact] {
    let (base, exponent) = (try node.input(0), try node.input(1))
    guard base.datatype == exponent.datatype else {
      throw ONNXError(
        .unsupported,
        "a power of \(base.datatype.name) by \(exponent.datatype.name); one datatype is supported")
    }
    return try arithmetic.infer(node)
  }

  func step(_ node: StepRequest) throws -> Step { try arithmetic.step(node) }
}

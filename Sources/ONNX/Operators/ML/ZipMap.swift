import Tensors

/// The operator ZipMap of ai.onnx.ml. Maps are not what the protocol carries: the output is the tensor of
/// the maps' values, a row each, in the order of the labels.
struct ZipMap: Operation {
  static let description = OperatorDescription(
    "ZipMap", domain: "ai.onnx.ml", inputs: 1...1,
    support: "FP32; gives the values as a tensor, in the order of the labels"
  ) { _ in ZipMap() }

  let name = "ZipMap"

  func infer(_ node: NodeFacts) throws -> [TensorFact] {
    let x = try node.input(0)
    return [TensorFact(x.datatype, x.dimensions, rows: x.rows)]
  }

  func step(_ node: StepRequest) throws -> Step { try .view(node) }
}

import Glibc
import Tensors

/// The ONNX operator GlobalLpPool.
struct GlobalLpPool: Evaluation {
  static let description = OperatorDescription(
    "GlobalLpPool", inputs: 1...1, support: "FP16, BF16, FP32, FP64"
  ) {
    reader in
    let p = try reader.int("p", default: 2)
    guard p >= 1 else { throw ONNXError(.invalid, "p of \(p)") }
    return GlobalLpPool(p: p)
  }

  let name = "GlobalLpPool"
  let p: Int

  func infer(_ node: NodeFacts) throws -> [TensorFact] {
    let x = try node.input(0)
    guard x.rank >= 2 else { throw ONNXError(.invalid, "an image of \(x.rank) dimensions") }
    let ones = Array(repeating: Dimension.one, count: x.rank - 2)
    return [TensorFact(x.datatype, x.dimensions[..<2] + ones, rows: rowsOfImages(x, others: []))]
  }

  func evaluate(_ node: EvaluationRequest) throws -> [Value?] {
    try node.requireFloat(0)
    let x = try node.input(0)
    guard x.shape.rank >= 2 else { throw ONNXError(.invalid, "an image of shape \(x.shape)") }
    let plane = x.shape.count(2..<x.shape.rank)
    let values = x.doubles()
    var shape = x.shape
    for axis in 2..<shape.rank { shape[axis] = 1 }
    let norms = (0..<x.shape[0] * x.shape[1]).map { image in
      pow(
        values[image * plane..<(image + 1) * plane].reduce(0) { $0 + pow(abs($1), Double(p)) }, 1 / Double(p))
    }
    return [try node.tensor(x.datatype, shape, norms)]
  }
}

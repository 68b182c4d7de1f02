import Glibc
import Tensors

/// The ONNX operator LRN: each element over the squares of its neighbours among the channels.
struct LRN: Evaluation {
  static let description = OperatorDescription("LRN", inputs: 1...1, support: "FP16, BF16, FP32, FP64") {
    reader in
    let size = try reader.required("size", try reader.int("size"))
    guard size >= 1, size < 1 << 24 else { throw ONNXError(.invalid, "a size of \(size)") }
    return LRN(
      size: size, alpha: Double(try reader.float("alpha", default: 1e-4)),
      beta: Double(try reader.float("beta", default: 0.75)),
      bias: Double(try reader.float("bias", default: 1)))
  }

  let name = "LRN"
  let size: Int
  let alpha: Double
  let beta: Double
  let bias: Double

  func infer(_ node: NodeFacts) throws -> [TensorFact] {
    let x = try node.input(0)
    return [TensorFact(x.datatype, x.dimensions, rows: rowsOfImages(x, others: []))]
  }

  func evaluate(_ node: EvaluationRequest) throws -> [Value?] {
    try node.requireFloat(0)
    let x = try node.input(0)
    guard x.shape.rank >= 2 else { throw ONNXError(.invalid, "an image of shape \(x.shape)") }
    let layout = AxisLayout(x.shape, 1)
    let values = x.doubles()
    var result = values
    layout.forEachLine { _, start in
      for channel in 0..<layout.length {
        var sum = 0.0
        for other in max(channel - (size - 1) / 2, 0)...min(channel + size / 2, layout.length - 1) {
          let value = values[start + other * layout.inner]
          sum += value * value
        }
        result[start + channel * layout.inner] /= pow(bias + alpha / Double(size) * sum, beta)
      }
    }
    return [try node.tensor(x.datatype, x.shape, result)]
  }
}

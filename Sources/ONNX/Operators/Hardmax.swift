import Tensors

/// The ONNX operator Hardmax: 1 where the greatest element along an axis lies first, else 0. Before
/// opset 13 the tensor is seen as a matrix, split at the axis.
struct Hardmax: Evaluation {
  static let description = OperatorDescription("Hardmax", inputs: 1...1, support: "FP16, BF16, FP32, FP64") {
    reader in
    let isMatrix = reader.opset < 13
    return Hardmax(axis: try reader.int("axis", default: isMatrix ? 1 : -1), isMatrix: isMatrix)
  }

  let name = "Hardmax"
  let axis: Int
  let isMatrix: Bool

  func infer(_ node: NodeFacts) throws -> [TensorFact] {
    let x = try node.input(0)
    return [TensorFact(x.datatype, x.dimensions, rows: node.rowsOfMixture)]
  }

  func evaluate(_ node: EvaluationRequest) throws -> [Value?] {
    try node.requireFloat(0)
    let x = try node.input(0)
    let place = try normalizedAxis(axis, rank: x.shape.rank)
    let matrix: Shape = [x.shape.count(0..<place), x.shape.count(place..<x.shape.rank)]
    let layout = isMatrix ? AxisLayout(matrix, 1) : AxisLayout(x.shape, place)
    let values = x.doubles()
    var result = [Double](repeating: 0, count: values.count)
    layout.forEachLine { _, start in
      var best = start
      for index in 1..<max(layout.length, 1) where values[start + index * layout.inner] > values[best] {
        best = start + index * layout.inner
      }
      if layout.length > 0 { result[best] = 1 }
    }
    return [try node.tensor(x.datatype, x.shape, result)]
  }
}

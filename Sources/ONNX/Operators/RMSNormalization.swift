import Kernels
import Tensors

/// The ONNX operator RMSNormalization over the last axes.
struct RMSNormalization: Evaluation {
  static let description = OperatorDescription(
    "RMSNormalization", inputs: 2...2, support: "FP16, BF16, FP32, FP64"
  ) { reader in
    RMSNormalization(
      axis: try reader.int("axis", default: -1), epsilon: Double(try reader.float("epsilon", default: 1e-5)))
  }

  let name = "RMSNormalization"
  let axis: Int
  let epsilon: Double

  func infer(_ node: NodeFacts) throws -> [TensorFact] {
    let (x, scale) = (try node.input(0), try node.input(1))
    let place = try normalizedAxis(axis, rank: x.rank)
    var rows = scale.rows == .shared ? x.rows : node.rowsOfMixture
    if case .axis(let row) = rows, row >= place { rows = .mixed }
    return [TensorFact(scale.datatype, x.dimensions, rows: rows)]
  }

  func step(_ node: StepRequest) throws -> Step {
    let (x, scale, y) = (try node.input(0), try node.input(1), try node.output())
    let place = try normalizedAxis(axis, rank: x.shape.rank)
    let columns = x.shape.count(place..<x.shape.rank)
    guard x.datatype == .fp32, scale.datatype == .fp32, scale.count == columns, columns > 0 else {
      return evaluationStep(node)
    }
    let epsilon = Float(epsilon)
    return Step(inPlaceInput: 0) { memory in
      memory.kernels.rmsNorm(
        memory.floats(x), scale: memory.floats(scale), memory.floats(y), rows: x.count / columns,
        columns: columns, epsilon: epsilon, team: memory.team)
    }
  }

  func evaluate(_ node: EvaluationRequest) throws -> [Value?] {
    try node.requireFloat(0)
    let (x, scale) = (try node.input(0), try node.input(1))
    let place = try normalizedAxis(axis, rank: x.shape.rank)
    let length = x.shape.count(place..<x.shape.rank)
    guard scale.shape.rank <= x.shape.rank,
      scale.shape.indices.allSatisfy({
        scale.shape[$0] == 1 || scale.shape[$0] == x.shape[x.shape.rank - scale.shape.rank + $0]
      })
    else { throw ONNXError(.invalid, "a scale of shape \(scale.shape) for a tensor of shape \(x.shape)") }
    let (values, factors) = (x.doubles(), scale.doubles())
    let places = BroadcastIndex(scale.shape, to: x.shape)
    var result: [Double] = []
    for start in stride(from: 0, to: values.count, by: max(length, 1)) {
      let squares = values[start..<start + length].reduce(0) { $0 + $1 * $1 }
      let factor = 1 / (squares / Double(length) + epsilon).squareRoot()
      for index in start..<start + length { result.append(values[index] * factor * factors[places[index]]) }
    }
    return [try node.tensor(scale.datatype, x.shape, result)]
  }
}

import Tensors

/// The ONNX operator ScatterND: slices of a tensor replaced, by index tuples.
struct ScatterND: Evaluation {
  static let description = OperatorDescription(
    "ScatterND", inputs: 3...3, support: "all datatypes; reductions of numbers"
  ) { reader in ScatterND(reduction: try ScatterReduction(reader)) }

  let name = "ScatterND"
  let reduction: ScatterReduction

  func infer(_ node: NodeFacts) throws -> [TensorFact] {
    let x = try node.input(0)
    return [TensorFact(x.datatype, x.dimensions, rows: node.rowsOfMixture)]
  }

  func evaluate(_ node: EvaluationRequest) throws -> [Value?] {
    let (x, indices, updates) = (try node.input(0), try node.indices(1), try node.input(2))
    guard let length = indices.shape.last, length <= x.shape.rank,
      Array(updates.shape) == Array(indices.shape.dropLast()) + Array(x.shape[length...])
    else {
      throw ONNXError(
        .invalid, "indices \(indices.shape) and updates \(updates.shape) for a tensor of shape \(x.shape)")
    }
    let strides = x.shape.strides
    let inner = x.shape.count(length..<x.shape.rank)
    let values = indices.integers()
    var places: [Int] = []
    for tuple in 0..<indices.shape.count(0..<indices.shape.rank - 1) {
      var target = 0
      for place in 0..<length {
        target += try GatherIndex.place(values[tuple * length + place], x.shape[place]) * strides[place]
      }
      places.append(contentsOf: target..<target + inner)
    }
    return [try reduction.applied(node, x, updates, places)]
  }
}

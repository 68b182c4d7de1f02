import Tensors

/// The ONNX operators ScatterElements and Scatter, its older name.
struct ScatterElements: Evaluation {
  static let description = description("ScatterElements")
  static let scatterDescription = description("Scatter")

  private static func description(_ type: String) -> OperatorDescription {
    OperatorDescription(type, inputs: 3...3, support: "all datatypes; reductions of numbers") { reader in
      ScatterElements(
        name: type, axis: try reader.int("axis", default: 0), reduction: try ScatterReduction(reader))
    }
  }

  let name: String
  let axis: Int
  let reduction: ScatterReduction

  func infer(_ node: NodeFacts) throws -> [TensorFact] {
    let x = try node.input(0)
    return [TensorFact(x.datatype, x.dimensions, rows: node.rowsOfMixture)]
  }

  func evaluate(_ node: EvaluationRequest) throws -> [Value?] {
    let (x, indices, updates) = (try node.input(0), try node.indices(1), try node.input(2))
    let axis = try normalizedAxis(axis, rank: x.shape.rank)
    guard indices.shape == updates.shape, indices.shape.rank == x.shape.rank,
      x.shape.indices.allSatisfy({ $0 == axis || indices.shape[$0] <= x.shape[$0] })
    else {
      throw ONNXError(
        .invalid, "indices \(indices.shape) and updates \(updates.shape) for a tensor of shape \(x.shape)")
    }
    let strides = x.shape.strides
    let values = indices.integers()
    var places: [Int] = []
    try indices.shape.forEachPlace { place, index in
      var target = try GatherIndex.place(values[place], x.shape[axis]) * strides[axis]
      for other in index.indices where other != axis { target += index[other] * strides[other] }
      places.append(target)
    }
    return [try reduction.applied(node, x, updates, places)]
  }
}

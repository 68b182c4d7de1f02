import Tensors

/// The ONNX operator GatherElements.
struct GatherElements: Evaluation {
  static let description = OperatorDescription("GatherElements", inputs: 2...2, support: "all datatypes") {
    reader in
    GatherElements(axis: try reader.int("axis", default: 0))
  }

  let name = "GatherElements"
  let axis: Int

  func infer(_ node: NodeFacts) throws -> [TensorFact] {
    let (x, indices) = (try node.input(0), try node.input(1))
    return [TensorFact(x.datatype, indices.dimensions, rows: node.rowsOfMixture)]
  }

  func evaluate(_ node: EvaluationRequest) throws -> [Value?] {
    let (x, indices) = (try node.input(0), try node.indices(1))
    let axis = try normalizedAxis(axis, rank: x.shape.rank)
    guard x.shape.rank == indices.shape.rank,
      x.shape.indices.allSatisfy({ $0 == axis || indices.shape[$0] <= x.shape[$0] })
    else { throw ONNXError(.invalid, "indices of shape \(indices.shape) into a tensor of shape \(x.shape)") }
    let strides = x.shape.strides
    let values = indices.integers()
    var places: [Int] = []
    places.reserveCapacity(values.count)
    try indices.shape.forEachPlace { place, index in
      var source = try GatherIndex.place(values[place], x.shape[axis]) * strides[axis]
      for other in index.indices where other != axis { source += index[other] * strides[other] }
      places.append(source)
    }
    return [try node.selection(of: x, at: places, shape: indices.shape)]
  }
}

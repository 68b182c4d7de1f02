import Tensors

/// The ONNX operator TensorScatter: writes new entries into a cache, at a place for each row of the batch.
struct TensorScatter: Evaluation {
  static let description = OperatorDescription("TensorScatter", inputs: 2...3, support: "all datatypes") {
    reader in
    TensorScatter(
      axis: try reader.int("axis", default: -2),
      isCircular: try reader.word("mode", "linear", "circular") == "circular")
  }

  let name = "TensorScatter"
  let axis: Int
  let isCircular: Bool

  func infer(_ node: NodeFacts) throws -> [TensorFact] {
    let x = try node.input(0)
    return [TensorFact(x.datatype, x.dimensions, rows: node.rowsOfMixture)]
  }

  func evaluate(_ node: EvaluationRequest) throws -> [Value?] {
    let (x, update) = (try node.input(0), try node.input(1))
    let axis = try normalizedAxis(axis, rank: x.shape.rank)
    guard axis > 0, x.shape.rank == update.shape.rank,
      x.shape.indices.allSatisfy({
        $0 == axis ? update.shape[$0] <= x.shape[$0] : update.shape[$0] == x.shape[$0]
      })
    else { throw ONNXError(.invalid, "an update of shape \(update.shape) for a cache of shape \(x.shape)") }
    let starts = node.has(2) ? try node.integers(2) : Array(repeating: 0, count: x.shape[0])
    guard starts.count == x.shape[0] else {
      throw ONNXError(.invalid, "\(starts.count) write indices for \(x.shape[0]) rows")
    }
    let strides = x.shape.strides
    var places: [Int] = []
    try update.shape.forEachPlace { _, index in
      var target = 0
      for other in index.indices where other != axis { target += index[other] * strides[other] }
      let (sum, overflow) = starts[index[0]].addingReportingOverflow(index[axis])
      let place = isCircular && !overflow && sum >= 0 ? sum % x.shape[axis] : sum
      guard !overflow, place >= 0, place < x.shape[axis] else {
        throw ONNXError(.argument, "write index \(starts[index[0]]) leads beyond \(x.shape[axis]) places")
      }
      places.append(target + place * strides[axis])
    }
    return [try ScatterReduction.none.applied(node, x, update, places)]
  }
}

import Tensors

/// The ONNX operator Tile: a tensor repeated along its axes.
struct Tile: Evaluation {
  static let description = OperatorDescription("Tile", inputs: 2...3, support: "all datatypes") { reader in
    guard reader.opset >= 6 else { throw ONNXError(.unsupported, "the form before opset 6") }
    return Tile()
  }

  let name = "Tile"

  func infer(_ node: NodeFacts) throws -> [TensorFact] {
    let x = try node.input(0)
    guard let repeats = try node.contents(1) else {
      return [TensorFact(x.datatype, node.freshDimensions(x.rank), rows: node.rowsOfMixture)]
    }
    try check(repeats.count, x.rank)
    var rows = x.rows
    let dimensions = zip(x.dimensions, repeats).map { $0.multiplied(by: $1) ?? node.freshDimension() }
    if case .axis(let axis) = rows, !repeats[axis].isOne { rows = .mixed }
    if repeats.contains(where: { $0.contains(.batch) }) { rows = .mixed }
    return [TensorFact(x.datatype, dimensions, rows: rows)]
  }

  private func check(_ count: Int, _ rank: Int) throws {
    guard count == rank else {
      throw ONNXError(.invalid, "\(count) repeats for a tensor of \(rank) dimensions")
    }
  }

  func evaluate(_ node: EvaluationRequest) throws -> [Value?] {
    let x = try node.input(0)
    let repeats = try node.integers(1)
    try check(repeats.count, x.shape.rank)
    let sizes = try zip(x.shape, repeats).map { size, times in
      let (product, overflow) = size.multipliedReportingOverflow(by: times)
      guard !overflow else { throw ONNXError(.limit, "\(size) places repeated \(times) times") }
      return product
    }
    let shape = try node.shape(sizes)
    let strides = x.shape.strides
    var places: [Int] = []
    places.reserveCapacity(try node.count(shape))
    shape.forEachPlace { _, index in
      places.append(index.indices.reduce(0) { $0 + index[$1] % x.shape[$1] * strides[$1] })
    }
    return [try node.selection(of: x, at: places, shape: shape)]
  }
}

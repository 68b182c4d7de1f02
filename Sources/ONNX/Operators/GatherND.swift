import Tensors

/// The ONNX operator GatherND: slices of a tensor by index tuples.
struct GatherND: Evaluation {
  static let description = OperatorDescription("GatherND", inputs: 2...2, support: "all datatypes") {
    reader in
    GatherND(batchAxes: try reader.int("batch_dims", default: 0))
  }

  let name = "GatherND"
  let batchAxes: Int

  func infer(_ node: NodeFacts) throws -> [TensorFact] {
    let (x, indices) = (try node.input(0), try node.input(1))
    guard let length = indices.dimensions.last?.known else {
      throw OpenShape("the length of an index depends on data")
    }
    guard batchAxes >= 0, length >= 0, batchAxes + length <= x.rank, batchAxes < indices.rank else {
      throw ONNXError(.invalid, "indices of shape \(indices.shapeText) into a tensor of shape \(x.shapeText)")
    }
    let dimensions = Array(indices.dimensions.dropLast() + x.dimensions[(batchAxes + length)...])
    guard dimensions.count <= Shape.maximumRank else {
      throw ONNXError(.limit, "an output of \(dimensions.count) dimensions")
    }
    return [TensorFact(x.datatype, dimensions, rows: node.rowsOfMixture)]
  }

  func evaluate(_ node: EvaluationRequest) throws -> [Value?] {
    let (x, indices) = (try node.input(0), try node.indices(1))
    guard let length = indices.shape.last, batchAxes >= 0, batchAxes + length <= x.shape.rank,
      batchAxes < indices.shape.rank, (0..<batchAxes).allSatisfy({ x.shape[$0] == indices.shape[$0] })
    else { throw ONNXError(.invalid, "indices of shape \(indices.shape) into a tensor of shape \(x.shape)") }
    let strides = x.shape.strides
    let inner = x.shape.count(batchAxes + length..<x.shape.rank)
    let batches = x.shape.count(0..<batchAxes)
    let tuples = indices.shape.count(batchAxes..<indices.shape.rank - 1)
    let values = indices.integers()
    var places: [Int] = []
    for batch in 0..<batches {
      for tuple in 0..<tuples {
        var source = batch * x.shape.count(batchAxes..<x.shape.rank)
        for place in 0..<length {
          let index = values[(batch * tuples + tuple) * length + place]
          source += try GatherIndex.place(index, x.shape[batchAxes + place]) * strides[batchAxes + place]
        }
        places.append(contentsOf: source..<source + inner)
      }
    }
    let shape = try node.shape(Array(indices.shape.dropLast()) + Array(x.shape[(batchAxes + length)...]))
    return [try node.selection(of: x, at: places, shape: shape)]
  }
}

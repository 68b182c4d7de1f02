import Tensors

/// The ONNX operator ReverseSequence: the first elements of each sequence of a batch, back to front.
struct ReverseSequence: Evaluation {
  static let description = OperatorDescription("ReverseSequence", inputs: 2...2, support: "all datatypes") {
    reader in
    let axes = (try reader.int("batch_axis", default: 1), try reader.int("time_axis", default: 0))
    guard axes == (0, 1) || axes == (1, 0) else {
      throw ONNXError(.invalid, "batch_axis \(axes.0) and time_axis \(axes.1), expected 0 and 1")
    }
    return ReverseSequence(batchAxis: axes.0)
  }

  let name = "ReverseSequence"
  let batchAxis: Int

  func infer(_ node: NodeFacts) throws -> [TensorFact] {
    let x = try node.input(0)
    return [TensorFact(x.datatype, x.dimensions, rows: node.rowsOfMixture)]
  }

  func evaluate(_ node: EvaluationRequest) throws -> [Value?] {
    let x = try node.input(0)
    let lengths = try node.integers(1)
    guard x.shape.rank >= 2, lengths.count == x.shape[batchAxis] else {
      throw ONNXError(.invalid, "\(lengths.count) lengths for a tensor of shape \(x.shape)")
    }
    let strides = x.shape.strides
    let timeAxis = 1 - batchAxis
    var places: [Int] = []
    try x.shape.forEachPlace { place, index in
      let length = lengths[index[batchAxis]]
      guard length >= 0, length <= x.shape[timeAxis] else {
        throw ONNXError(.argument, "a length of \(length) of \(x.shape[timeAxis]) places")
      }
      let time = index[timeAxis]
      places.append(time < length ? place + (length - 1 - 2 * time) * strides[timeAxis] : place)
    }
    return [try node.selection(of: x, at: places, shape: x.shape)]
  }
}

import Tensors

/// The ONNX operator DepthToSpace: channels become blocks of an image.
struct DepthToSpace: Evaluation {
  static let description = OperatorDescription("DepthToSpace", inputs: 1...1, support: "all datatypes") {
    reader in
    DepthToSpace(
      block: try reader.required("blocksize", try reader.int("blocksize")),
      columnsFirst: try reader.word("mode", "DCR", "CRD") == "CRD")
  }

  let name = "DepthToSpace"
  let block: Int
  /// Whether a channel's places in its block are next to one another (CRD).
  let columnsFirst: Bool

  func infer(_ node: NodeFacts) throws -> [TensorFact] {
    let x = try node.input(0)
    guard x.rank == 4, (1..<1 << 16).contains(block), let channels = x.dimensions[1].known,
      channels % (block * block) == 0
    else { throw ONNXError(.invalid, "an image of shape \(x.shapeText) in blocks of \(block)") }
    let size = Dimension(block)
    let dimensions = [
      x.dimensions[0], Dimension(channels / block / block),
      x.dimensions[2].multiplied(by: size) ?? node.freshDimension(),
      x.dimensions[3].multiplied(by: size) ?? node.freshDimension(),
    ]
    return [TensorFact(x.datatype, dimensions, rows: rowsOfImages(x, others: []))]
  }

  func evaluate(_ node: EvaluationRequest) throws -> [Value?] {
    let x = try node.input(0)
    guard x.shape.rank == 4, (1..<1 << 16).contains(block), x.shape[1] % (block * block) == 0 else {
      throw ONNXError(.invalid, "an image of shape \(x.shape) in blocks of \(block)")
    }
    let channels = x.shape[1] / block / block
    let shape = try node.shape([x.shape[0], channels, x.shape[2] * block, x.shape[3] * block])
    let strides = x.shape.strides
    var places: [Int] = []
    places.reserveCapacity(x.elementCount)
    shape.forEachPlace { _, index in
      let part = index[2] % block * block + index[3] % block
      let channel = columnsFirst ? index[1] * block * block + part : part * channels + index[1]
      places.append(
        index[0] * strides[0] + channel * strides[1] + index[2] / block * strides[2] + index[3] / block)
    }
    return [try node.selection(of: x, at: places, shape: shape)]
  }
}

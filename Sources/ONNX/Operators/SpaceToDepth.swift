import Tensors

/// The ONNX operator SpaceToDepth: blocks of an image become channels.
struct SpaceToDepth: Evaluation {
  static let description = OperatorDescription("SpaceToDepth", inputs: 1...1, support: "all datatypes") {
    reader in
    SpaceToDepth(
      block: try reader.required("blocksize", try reader.int("blocksize")),
      columnsFirst: try reader.word("mode", "DCR", "CRD") == "CRD")
  }

  let name = "SpaceToDepth"
  let block: Int
  let columnsFirst: Bool

  func infer(_ node: NodeFacts) throws -> [TensorFact] {
    let x = try node.input(0)
    guard x.rank == 4, (1..<1 << 16).contains(block) else {
      throw ONNXError(.invalid, "an image of shape \(x.shapeText) in blocks of \(block)")
    }
    let size = Dimension(block)
    let dimensions = [
      x.dimensions[0], x.dimensions[1].multiplied(by: Dimension(block * block)) ?? node.freshDimension(),
      x.dimensions[2].divided(by: size) ?? node.freshDimension(),
      x.dimensions[3].divided(by: size) ?? node.freshDimension(),
    ]
    return [TensorFact(x.datatype, dimensions, rows: rowsOfImages(x, others: []))]
  }

  func evaluate(_ node: EvaluationRequest) throws -> [Value?] {
    let x = try node.input(0)
    guard x.shape.rank == 4, (1..<1 << 16).contains(block), x.shape[2] % block == 0, x.shape[3] % block == 0
    else { throw ONNXError(.invalid, "an image of shape \(x.shape) in blocks of \(block)") }
    let channels = x.shape[1]
    let shape = try node.shape([x.shape[0], channels * block * block, x.shape[2] / block, x.shape[3] / block])
    let strides = x.shape.strides
    var places: [Int] = []
    places.reserveCapacity(x.elementCount)
    shape.forEachPlace { _, index in
      let part = columnsFirst ? index[1] % (block * block) : index[1] / channels
      let channel = columnsFirst ? index[1] / (block * block) : index[1] % channels
      places.append(
        index[0] * strides[0] + channel * strides[1] + (index[2] * block + part / block) * strides[2]
          + index[3] * block + part % block)
    }
    return [try node.selection(of: x, at: places, shape: shape)]
  }
}

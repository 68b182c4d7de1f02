import Tensors

/// The ONNX operator MatMulInteger.
struct MatMulInteger: Evaluation {
  static let description = OperatorDescription(
    "MatMulInteger", inputs: 2...4, support: "INT8, UINT8; batches with broadcasting"
  ) { _ in MatMulInteger() }

  let name = "MatMulInteger"

  func infer(_ node: NodeFacts) throws -> [TensorFact] {
    for index in 0..<2 { try node.require(index, .int8, .uint8) }
    let (a, b) = (try node.input(0), try node.input(1))
    var fact = try MatMul().infer(node.replacing([a.as(.fp32), b.as(.fp32)]))[0]
    fact.datatype = .int32
    if (2...3).contains(where: { node.optional($0)?.rows ?? .shared != .shared }) {
      fact.rows = node.rowsOfMixture
    }
    return [fact]
  }

  func evaluate(_ node: EvaluationRequest) throws -> [Value?] {
    for index in 0..<2 { try node.require(index, IntegerMatrices.datatypes) }
    let product = try IntegerMatrices(
      a: try node.input(0), b: try node.input(1), aZero: try node.optional(2), bZero: try node.optional(3)
    ).product(node)
    return [try node.tensor(.int32, product.shape, integers: product.values.map { Int($0) })]
  }
}

extension TensorFact {
  /// The same fact of elements of another datatype.
  func `as`(_ datatype: Datatype) -> TensorFact { TensorFact(datatype, dimensions, rows: rows) }
}

import Tensors

/// The ONNX operator QLinearMatMul.
struct QLinearMatMul: Evaluation {
  static let description = OperatorDescription(
    "QLinearMatMul", inputs: 8...8,
    support: "INT8, UINT8; scales of FP32, FP16, BF16; batches with broadcasting"
  ) { _ in QLinearMatMul() }

  let name = "QLinearMatMul"

  func infer(_ node: NodeFacts) throws -> [TensorFact] {
    for index in [0, 3, 7] { try node.require(index, .int8, .uint8) }
    let (a, b) = (try node.input(0), try node.input(3))
    var fact = try MatMul().infer(node.replacing([a.as(.fp32), b.as(.fp32)]))[0]
    fact.datatype = try node.input(7).datatype
    if [1, 2, 4, 5, 6, 7].contains(where: { node.optional($0)?.rows ?? .shared != .shared }) {
      fact.rows = node.rowsOfMixture
    }
    return [fact]
  }

  func evaluate(_ node: EvaluationRequest) throws -> [Value?] {
    for index in [0, 3, 7] { try node.require(index, IntegerMatrices.datatypes) }
    let product = try IntegerMatrices(
      a: try node.input(0), b: try node.input(3), aZero: try node.input(2), bZero: try node.input(5)
    ).product(node)
    let (left, right) = (try node.input(1).doubles(), try node.input(4).doubles())
    guard let scale = try node.number(6), let zero = try node.integer(7), left.count == 1 else {
      throw ONNXError(.unsupported, "a scale for each row")
    }
    let columns = product.shape.last ?? 1
    guard right.count == 1 || right.count == columns else {
      throw ONNXError(.invalid, "\(right.count) scales for \(columns) columns")
    }
    let datatype = try node.input(7).datatype
    let range = datatype.integerRange
    let values = product.values.enumerated().map { index, sum in
      let factor = left[0] * right[right.count == 1 ? 0 : index % columns] / scale
      return Requantization.level(sum * factor, zero, range)
    }
    return [try node.tensor(datatype, product.shape, integers: values)]
  }
}

enum Requantization {
  /// The nearest level, halves to the even one, within a range.
  static func level(_ value: Double, _ zero: Int, _ range: ClosedRange<Int>) -> Int {
    let level = value.rounded(.toNearestOrEven) + Double(zero)
    if level.isNaN { return range.lowerBound }
    return Int(min(max(level, Double(range.lowerBound)), Double(range.upperBound)))
  }
}

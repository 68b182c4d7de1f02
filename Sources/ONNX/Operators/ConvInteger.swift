import Tensors

/// The ONNX operator ConvInteger.
struct ConvInteger: Evaluation {
  static let description = OperatorDescription(
    "ConvInteger", inputs: 2...4, support: "INT8, UINT8; 1 to 3 spatial dimensions"
  ) { reader in
    ConvInteger(window: try WindowAttributes(reader), groups: try reader.int("group", default: 1))
  }

  let name = "ConvInteger"
  let window: WindowAttributes
  let groups: Int

  func evaluate(_ node: EvaluationRequest) throws -> [Value?] {
    for index in 0..<2 { try node.require(index, IntegerMatrices.datatypes) }
    let (x, w) = (try node.input(0), try node.input(1))
    let convolution = try DirectConvolution(
      image: x.shape, weights: w.shape, attributes: window, groups: groups)
    let zero = Double(try node.integer(2) ?? 0)
    let sums = convolution.run(
      x.doubles().map { $0 - zero }, try FilterZeros.centred(w, try node.optional(3)))
    return [try node.tensor(.int32, convolution.output, integers: sums.map { Int($0) })]
  }
}

enum FilterZeros {
  /// Weights without their zero points, of which there is one, or one a filter.
  static func centred(_ w: Tensor, _ zero: Tensor?) throws -> [Double] {
    let values = w.doubles()
    guard let zeros = zero?.doubles() else { return values }
    guard zeros.count == 1 || zeros.count == w.shape[0] else {
      throw ONNXError(.invalid, "\(zeros.count) zero points for \(w.shape[0]) filters")
    }
    let perFilter = max(values.count / max(w.shape[0], 1), 1)
    return values.enumerated().map { $1 - zeros[zeros.count == 1 ? 0 : $0 / perFilter] }
  }
}

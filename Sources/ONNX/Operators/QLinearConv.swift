import Tensors

/// The ONNX operator QLinearConv.
struct QLinearConv: Evaluation {
  static let description = OperatorDescription(
    "QLinearConv", inputs: 8...9, support: "INT8, UINT8; 1 to 3 spatial dimensions; scales for each filter"
  ) { reader in
    QLinearConv(window: try WindowAttributes(reader), groups: try reader.int("group", default: 1))
  }

  let name = "QLinearConv"
  let window: WindowAttributes
  let groups: Int

  func evaluate(_ node: EvaluationRequest) throws -> [Value?] {
    for index in [0, 3, 7] { try node.require(index, IntegerMatrices.datatypes) }
    let (x, w) = (try node.input(0), try node.input(3))
    let convolution = try DirectConvolution(
      image: x.shape, weights: w.shape, attributes: window, groups: groups)
    guard let xScale = try node.number(1), let xZero = try node.number(2), let scale = try node.number(6),
      let zero = try node.integer(7)
    else { throw ONNXError(.invalid, "a scale or zero point is missing") }
    let wScales = try node.input(4).doubles()
    let bias = try node.optional(8)?.doubles()
    let filters = w.shape[0]
    guard wScales.count == 1 || wScales.count == filters, bias.map({ $0.count == filters }) ?? true else {
      throw ONNXError(.invalid, "scales or bias of another size than \(filters) filters")
    }
    let sums = convolution.run(
      x.doubles().map { $0 - xZero }, try FilterZeros.centred(w, try node.input(5)))
    let plane = max(sums.count / max(x.shape[0] * filters, 1), 1)
    let datatype = try node.input(7).datatype
    let values = sums.enumerated().map { index, sum in
      let filter = index / plane % filters
      let factor = xScale * wScales[wScales.count == 1 ? 0 : filter] / scale
      return Requantization.level((sum + (bias?[filter] ?? 0)) * factor, zero, datatype.integerRange)
    }
    return [try node.tensor(datatype, convolution.output, integers: values)]
  }
}

import Tensors

/// The ONNX operators CumSum and CumProd: running sums and products along an axis.
struct Accumulation: Evaluation {
  static func description(_ type: String, isProduct: Bool) -> OperatorDescription {
    OperatorDescription(type, inputs: 2...2, support: "all numbers") { reader in
      Accumulation(
        name: type, isProduct: isProduct, isExclusive: try reader.flag("exclusive", default: false),
        isReverse: try reader.flag("reverse", default: false))
    }
  }

  let name: String
  let isProduct: Bool
  let isExclusive: Bool
  let isReverse: Bool

  func infer(_ node: NodeFacts) throws -> [TensorFact] {
    let x = try node.input(0)
    return [TensorFact(x.datatype, x.dimensions, rows: node.rowsOfMixture)]
  }

  func evaluate(_ node: EvaluationRequest) throws -> [Value?] {
    try node.requireNumber(0)
    let x = try node.input(0)
    guard let axis = try node.integer(1) else { throw ONNXError(.invalid, "the axis is missing") }
    let layout = AxisLayout(x.shape, try normalizedAxis(axis, rank: x.shape.rank))
    if x.isFloat {
      var values = x.doubles()
      run(&values, layout, isProduct ? 1 : 0, isProduct ? { $0 * $1 } : { $0 + $1 })
      return [try node.tensor(x.datatype, x.shape, values)]
    }
    var values = x.integers()
    run(&values, layout, isProduct ? 1 : 0, isProduct ? { $0 &* $1 } : { $0 &+ $1 })
    return [try node.tensor(x.datatype, x.shape, integers: values)]
  }

  private func run<Element>(
    _ values: inout [Element], _ layout: AxisLayout, _ start: Element, _ join: (Element, Element) -> Element
  ) {
    layout.forEachLine { _, first in
      var sum = start
      for step in 0..<layout.length {
        let place = first + (isReverse ? layout.length - 1 - step : step) * layout.inner
        let next = join(sum, values[place])
        values[place] = isExclusive ? sum : next
        sum = next
      }
    }
  }
}

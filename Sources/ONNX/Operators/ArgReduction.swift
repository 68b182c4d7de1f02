import Tensors

/// The ONNX operators ArgMax and ArgMin: where along an axis the greatest or least element lies.
struct ArgReduction: Evaluation {
  static let maximumDescription = description("ArgMax", isGreatest: true)
  static let minimumDescription = description("ArgMin", isGreatest: false)

  private static func description(_ type: String, isGreatest: Bool) -> OperatorDescription {
    OperatorDescription(type, inputs: 1...1, support: "all numbers") { reader in
      ArgReduction(
        name: type, isGreatest: isGreatest, axis: try reader.int("axis", default: 0),
        keepsAxis: try reader.flag("keepdims", default: true),
        takesLast: try reader.flag("select_last_index", default: false))
    }
  }

  let name: String
  let isGreatest: Bool
  let axis: Int
  let keepsAxis: Bool
  let takesLast: Bool

  func infer(_ node: NodeFacts) throws -> [TensorFact] {
    let x = try node.input(0)
    let place = try normalizedAxis(axis, rank: x.rank)
    var dimensions = x.dimensions
    var rows = x.rows
    if case .axis(let row) = x.rows {
      rows = row == place ? .mixed : .axis(keepsAxis || row < place ? row : row - 1)
    }
    if keepsAxis { dimensions[place] = .one } else { dimensions.remove(at: place) }
    return [TensorFact(.int64, dimensions, rows: rows)]
  }

  func evaluate(_ node: EvaluationRequest) throws -> [Value?] {
    try node.requireNumber(0)
    let x = try node.input(0)
    let place = try normalizedAxis(axis, rank: x.shape.rank)
    let layout = AxisLayout(x.shape, place)
    guard layout.length > 0 || x.elementCount == 0 && layout.outer * layout.inner == 0 else {
      throw ONNXError(.argument, "no element along axis \(place) of shape \(x.shape)")
    }
    let found = x.isFloat ? places(x.doubles(), layout) : places(x.orderedIntegers(), layout)
    var sizes = Array(x.shape)
    if keepsAxis { sizes[place] = 1 } else { sizes.remove(at: place) }
    return [try node.tensor(.int64, Shape(sizes), integers: found)]
  }

  private func places<Element: Comparable>(_ values: [Element], _ layout: AxisLayout) -> [Int] {
    var found = [Int](repeating: 0, count: layout.outer * layout.inner)
    layout.forEachLine { line, start in
      var best = 0
      for index in 1..<max(layout.length, 1) {
        let (next, held) = (values[start + index * layout.inner], values[start + best * layout.inner])
        let isBetter = isGreatest ? next > held : next < held
        if isBetter || takesLast && next == held { best = index }
      }
      found[line] = best
    }
    return found
  }
}

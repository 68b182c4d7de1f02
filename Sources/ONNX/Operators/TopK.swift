import Tensors

/// The ONNX operator TopK: the greatest or least elements along an axis, and where they lie. Among equal
/// ones the first comes first.
struct TopK: Evaluation {
  static let description = OperatorDescription(
    "TopK", inputs: 1...2, outputs: 1...2, support: "all numbers"
  ) { reader in
    TopK(
      axis: try reader.int("axis", default: -1), isGreatest: try reader.flag("largest", default: true),
      count: reader.opset < 10 ? try reader.required("k", try reader.int("k")) : nil)
  }

  let name = "TopK"
  let axis: Int
  let isGreatest: Bool
  /// Before opset 10; an input since.
  let count: Int?

  func infer(_ node: NodeFacts) throws -> [TensorFact] {
    let x = try node.input(0)
    let place = try normalizedAxis(axis, rank: x.rank)
    var dimensions = x.dimensions
    if let count {
      dimensions[place] = Dimension(count)
    } else {
      dimensions[place] = try node.contents(1)?.first ?? node.freshDimension()
    }
    let rows = node.rowsAlong(place, x)
    return [TensorFact(x.datatype, dimensions, rows: rows), TensorFact(.int64, dimensions, rows: rows)]
  }

  func evaluate(_ node: EvaluationRequest) throws -> [Value?] {
    try node.requireNumber(0)
    let x = try node.input(0)
    let place = try normalizedAxis(axis, rank: x.shape.rank)
    let layout = AxisLayout(x.shape, place)
    guard let count = try count ?? node.integer(1), count >= 0, count <= layout.length else {
      throw ONNXError(.argument, "k is no number of 0…\(layout.length), the places of axis \(place)")
    }
    var shape = x.shape
    shape[place] = count
    let order = x.isFloat ? order(x.doubles(), layout, count) : order(x.orderedIntegers(), layout, count)
    let target = AxisLayout(shape, place)
    var places = [Int](repeating: 0, count: order.count * count)
    var indices = places
    layout.forEachLine { line, start in
      let first = line / target.inner * count * target.inner + line % target.inner
      for (rank, index) in order[line].enumerated() {
        places[first + rank * target.inner] = start + index * layout.inner
        indices[first + rank * target.inner] = index
      }
    }
    return [
      try node.selection(of: x, at: places, shape: shape), try node.tensor(.int64, shape, integers: indices),
    ]
  }

  /// The indices of the elements that are kept of each line, in order.
  private func order<Element: Comparable>(_ values: [Element], _ layout: AxisLayout, _ count: Int) -> [[Int]]
  {
    var orders = [[Int]](repeating: [], count: layout.outer * layout.inner)
    layout.forEachLine { line, start in
      let sorted = (0..<layout.length).sorted { a, b in
        let (x, y) = (values[start + a * layout.inner], values[start + b * layout.inner])
        if x == y { return a < b }
        return isGreatest ? x > y : x < y
      }
      orders[line] = Array(sorted.prefix(count))
    }
    return orders
  }
}

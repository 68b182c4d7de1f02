import Tensors

/// The ONNX operator Unique: the different elements, or slices of an axis, of a tensor.
struct Unique: Evaluation {
  static let description = OperatorDescription(
    "Unique", inputs: 1...1, outputs: 1...4, support: "all datatypes"
  ) { reader in Unique(axis: try reader.int("axis"), isSorted: try reader.flag("sorted", default: true)) }

  let name = "Unique"
  let axis: Int?
  let isSorted: Bool

  func evaluate(_ node: EvaluationRequest) throws -> [Value?] {
    let x = try node.input(0)
    let place = try axis.map { try normalizedAxis($0, rank: x.shape.rank) }
    let layout = place.map { AxisLayout(x.shape, $0) } ?? AxisLayout([x.elementCount], 0)
    let ranks = Self.ranks(x)
    // A slice is told by the ranks of its elements.
    let slices = (0..<layout.length).map { index in
      (0..<layout.outer * layout.inner).map { line in
        ranks[(line / layout.inner * layout.length + index) * layout.inner + line % layout.inner]
      }
    }
    var first: [Int] = []
    var inverse: [Int] = []
    var counts: [Int] = []
    var known: [[Int]: Int] = [:]
    for (index, slice) in slices.enumerated() {
      if let group = known[slice] {
        counts[group] += 1
        inverse.append(group)
      } else {
        known[slice] = first.count
        inverse.append(first.count)
        first.append(index)
        counts.append(1)
      }
    }
    if isSorted {
      let order = first.indices.sorted { slices[first[$0]].lexicographicallyPrecedes(slices[first[$1]]) }
      var position = [Int](repeating: 0, count: order.count)
      for (new, old) in order.enumerated() { position[old] = new }
      inverse = inverse.map { position[$0] }
      (first, counts) = (order.map { first[$0] }, order.map { counts[$0] })
    }
    var shape = place == nil ? [first.count] : x.shape
    if let place { shape[place] = first.count }
    var places: [Int] = []
    for block in 0..<layout.outer {
      for index in first {
        let start = (block * layout.length + index) * layout.inner
        places.append(contentsOf: start..<start + layout.inner)
      }
    }
    return [try node.selection(of: x, at: places, shape: shape)]
      + (try [first, inverse, counts].map { try node.tensor(.int64, [$0.count], integers: $0) })
  }

  /// Numbers that are equal, and ordered, as the elements are.
  private static func ranks(_ x: Tensor) -> [Int] {
    if x.datatype == .bytes { return ranks(x.texts()) { $0.lexicographicallyPrecedes($1) } }
    return x.isFloat ? ranks(x.doubles(), by: <) : x.orderedIntegers()
  }

  private static func ranks<Element: Equatable>(_ values: [Element], by less: (Element, Element) -> Bool)
    -> [Int]
  {
    let order = values.indices.sorted { less(values[$0], values[$1]) }
    var ranks = [Int](repeating: 0, count: values.count)
    for (a, b) in zip(order, order.dropFirst()) { ranks[b] = ranks[a] + (values[a] == values[b] ? 0 : 1) }
    return ranks
  }
}

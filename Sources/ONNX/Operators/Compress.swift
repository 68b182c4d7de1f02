import Tensors

/// The ONNX operator Compress: the slices of an axis, or the elements, that a condition picks.
struct Compress: Evaluation {
  static let description = OperatorDescription("Compress", inputs: 2...2, support: "all datatypes") {
    reader in
    Compress(axis: try reader.int("axis"))
  }

  let name = "Compress"
  let axis: Int?

  func evaluate(_ node: EvaluationRequest) throws -> [Value?] {
    let x = try node.input(0)
    try node.require(1, [.bool])
    let condition = try node.input(1)
    let layout: AxisLayout
    var sizes = Array(x.shape)
    if let axis {
      let place = try normalizedAxis(axis, rank: x.shape.rank)
      layout = AxisLayout(x.shape, place)
      sizes.remove(at: place)
    } else {
      layout = AxisLayout([x.elementCount], 0)
      sizes = []
    }
    let kept = condition.integers().enumerated().filter { $0.element != 0 }.map(\.offset)
    guard kept.allSatisfy({ $0 < layout.length }) else {
      throw ONNXError(.argument, "a condition of \(condition.elementCount) for \(layout.length) places")
    }
    var places: [Int] = []
    for block in 0..<layout.outer {
      for place in kept {
        let start = (block * layout.length + place) * layout.inner
        places.append(contentsOf: start..<start + layout.inner)
      }
    }
    sizes.insert(kept.count, at: try axis.map { try normalizedAxis($0, rank: x.shape.rank) } ?? 0)
    return [try node.selection(of: x, at: places, shape: Shape(sizes))]
  }
}

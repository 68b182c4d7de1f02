import Tensors

/// The ONNX operator OneHot.
struct OneHot: Evaluation {
  static let description = OperatorDescription("OneHot", inputs: 3...3, support: "all datatypes of values") {
    reader in
    OneHot(axis: try reader.int("axis", default: -1))
  }

  let name = "OneHot"
  let axis: Int

  func evaluate(_ node: EvaluationRequest) throws -> [Value?] {
    try node.requireNumber(0)
    let (indices, values) = (try node.input(0), try node.input(2))
    guard let depth = try node.number(1).flatMap({ Int(exactly: $0.rounded(.towardZero)) }), depth >= 0 else {
      throw ONNXError(.argument, "the depth is no size")
    }
    guard values.elementCount == 2 else {
      throw ONNXError(.invalid, "\(values.elementCount) values, expected off and on")
    }
    let place = try normalizedAxis(axis, rank: indices.shape.rank + 1)
    var sizes = Array(indices.shape)
    sizes.insert(depth, at: place)
    let shape = try node.shape(sizes)
    let layout = AxisLayout(shape, place)
    let numbers = indices.doubles()
    var places = [Int](repeating: 0, count: try node.count(shape))
    layout.forEachLine { line, start in
      var index = numbers[line]
      if index < 0 { index += Double(depth) }
      if index >= 0, index < Double(depth) { places[start + Int(index) * layout.inner] = 1 }
    }
    return [try node.selection(of: values, at: places, shape: shape)]
  }
}

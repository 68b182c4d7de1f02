import Tensors

/// The ONNX operator PRelu: negative elements times a slope, which is broadcast.
struct PRelu: Operation {
  static let description = OperatorDescription("PRelu", inputs: 2...2, support: "all numbers; broadcasting") {
    reader in PRelu(channelsSlope: reader.opset < 7)
  }

  let name = "PRelu"
  /// Before opset 7 the slope was one number, or one a channel.
  let channelsSlope: Bool
  var computesInFloat: Bool { true }

  func infer(_ node: NodeFacts) throws -> [TensorFact] {
    try node.requireSameDatatype(0..<2)
    try node.require(0, .fp32, .fp64, .int32, .int64, .uint32, .uint64)
    let x = try node.input(0)
    let slope = placed(try node.input(1), x.rank)
    let dimensions = try Broadcasting.dimensions([x, slope], node)
    guard dimensions.count == x.rank else {
      throw ONNXError(.invalid, "slopes of shape \(slope.shapeText) for a tensor of shape \(x.shapeText)")
    }
    return [TensorFact(x.datatype, x.dimensions, rows: Broadcasting.rows([x, slope], output: x.dimensions))]
  }

  private func placed(_ slope: TensorFact, _ rank: Int) -> TensorFact {
    guard channelsSlope, slope.rank == 1, rank > 2, slope.dimensions[0].known != 1 else { return slope }
    return TensorFact(
      slope.datatype, slope.dimensions + Array(repeating: .one, count: rank - 2), rows: slope.rows)
  }

  func step(_ node: StepRequest) throws -> Step {
    switch try node.input(0).datatype {
    case .fp32: try step(node, Float(0)) { $0 * $1 }
    case .fp64: try step(node, Double(0)) { $0 * $1 }
    case .int32: try step(node, Int32(0)) { $0 &* $1 }
    case .int64: try step(node, Int64(0)) { $0 &* $1 }
    case .uint32: try step(node, UInt32(0)) { $0 &* $1 }
    default: try step(node, UInt64(0)) { $0 &* $1 }
    }
  }

  private func step<Element: Comparable & Sendable>(
    _ node: StepRequest, _ zero: Element, _ product: @escaping @Sendable (Element, Element) -> Element
  ) throws -> Step {
    let (x, slope) = (try node.input(0), try node.input(1))
    let y = try node.output()
    var shape = slope.shape
    if channelsSlope, shape.rank == 1, x.shape.rank > 2, shape[0] != 1 {
      shape = Shape(Array(shape) + Array(repeating: 1, count: x.shape.rank - 2))
    }
    let places = BroadcastIndex(shape, to: y.shape)
    return Step(inPlaceInput: 0) { memory in
      let source = memory.elements(x, as: Element.self)
      let slopes = memory.elements(slope, as: Element.self)
      let target = memory.elements(y, as: Element.self)
      for index in 0..<y.count {
        let value = source[index]
        target[index] = value < zero ? product(value, slopes[places[index]]) : value
      }
    }
  }
}

/// The ONNX operator Squeeze: removes dimensions of 1. Axes are an attribute before opset 13, an input since.
struct Squeeze: Operation {
  static let description = OperatorDescription(
    "Squeeze", inputs: 1...2, support: "all datatypes; axes as attribute or input"
  ) { reader in Squeeze(axes: try Axes(reader, input: 1, sinceOpset: 13)) }

  let name = "Squeeze"
  let axes: Axes

  func infer(_ node: NodeFacts) throws -> [TensorFact] {
    let x = try node.input(0)
    let places: [Int]
    if axes.isGiven(node) {
      guard let known = try axes.known(node) else {
        let count = try node.listLength(1)
        return [TensorFact(x.datatype, node.freshDimensions(max(x.rank - count, 0)), rows: .mixed)]
      }
      places = try normalizedAxes(known, rank: x.rank)
    } else {
      guard x.dimensions.allSatisfy({ $0.known != nil }) else {
        throw OpenShape("no axes, and an input of shape \(x.shapeText), so the output's rank is open")
      }
      places = x.dimensions.indices.filter { x.dimensions[$0].isOne }
    }
    for place in places where x.dimensions[place].known ?? 1 != 1 {
      throw ONNXError(.invalid, "axis \(place) of shape \(x.shapeText) is not 1")
    }
    let kept = x.dimensions.indices.filter { !places.contains($0) }
    return [ReshapeRule.fact(x, kept.map { x.dimensions[$0] })]
  }

  func step(_ node: StepRequest) throws -> Step { try .view(node) }
}

import Tensors

/// The ONNX operator Unsqueeze: adds dimensions of 1. Axes are an attribute before opset 13, an input since.
struct Unsqueeze: Operation {
  static let description = OperatorDescription(
    "Unsqueeze", inputs: 1...2, support: "all datatypes; axes as attribute or input"
  ) { reader in
    let axes = try Axes(reader, input: 1, sinceOpset: 13)
    if axes.input == nil { _ = try reader.required("axes", axes.attribute) }
    return Unsqueeze(axes: axes)
  }

  let name = "Unsqueeze"
  let axes: Axes

  func infer(_ node: NodeFacts) throws -> [TensorFact] {
    let x = try node.input(0)
    if axes.input != nil { _ = try node.input(1) }
    guard let known = try axes.known(node) else {
      let rank = x.rank + (try node.listLength(1))
      guard rank <= Shape.maximumRank else { throw tooMany(rank) }
      return [TensorFact(x.datatype, node.freshDimensions(rank), rows: .mixed)]
    }
    let rank = x.rank + known.count
    guard rank <= Shape.maximumRank else { throw tooMany(rank) }
    let places = try normalizedAxes(known, rank: rank)
    var rest = x.dimensions[...]
    let dimensions = (0..<rank).map { places.contains($0) ? Dimension.one : rest.removeFirst() }
    return [ReshapeRule.fact(x, dimensions)]
  }

  private func tooMany(_ rank: Int) -> ONNXError {
    ONNXError(.limit, "an output of \(rank) dimensions; at most \(Shape.maximumRank) are supported")
  }

  func step(_ node: StepRequest) throws -> Step { try .view(node) }
}

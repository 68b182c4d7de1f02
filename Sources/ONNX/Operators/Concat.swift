import Kernels
import Tensors

/// The ONNX operator Concat.
struct Concat: Operation {
  static let description = OperatorDescription("Concat", inputs: 1...Int.max, support: "all datatypes") {
    reader in
    Concat(axis: try reader.required("axis", try reader.int("axis")))
  }

  let name = "Concat"
  let axis: Int
  var layout = ImageLayout.channelsFirst

  func infer(_ node: NodeFacts) throws -> [TensorFact] {
    let first = try node.input(0)
    let place = try normalizedAxis(axis, rank: first.rank)
    try node.requireSameDatatype(0..<node.inputs.count)
    var dimensions = first.dimensions
    var sum: Dimension? = first.dimensions[place]
    var facts = [first]
    for index in 1..<max(node.inputs.count, 1) {
      let next = try node.input(index)
      facts.append(next)
      try join(next, &dimensions, place, index)
      sum = try sum.flatMap { try Concat.sum($0, next.dimensions[place]) }
    }
    dimensions[place] = sum ?? node.freshDimension()
    var fact = TensorFact(first.datatype, dimensions, rows: rows(facts, place))
    if first.rank == 1 {
      let contents = facts.map(\.contents)
      let all = contents.compactMap(\.self).flatMap(\.self)
      if !contents.contains(where: { $0 == nil }) && all.count <= TensorFact.maximumContents {
        fact.elements = all
      }
    }
    return [fact]
  }

  private func join(_ next: TensorFact, _ dimensions: inout [Dimension], _ place: Int, _ index: Int) throws {
    guard next.rank == dimensions.count else {
      throw ONNXError(.invalid, "input \(index) has \(next.rank) dimensions, input 0 has \(dimensions.count)")
    }
    for axis in dimensions.indices where axis != place {
      switch (dimensions[axis].known, next.dimensions[axis].known) {
      case (let a?, let b?) where a != b:
        throw ONNXError(
          .invalid, "input \(index) has shape \(next.shapeText): dimension \(axis) must be \(a)")
      case (nil, _?): dimensions[axis] = next.dimensions[axis]
      default: break
      }
    }
  }

  /// The sum when it is known; nil when it is an open size.
  private static func sum(_ a: Dimension, _ b: Dimension) throws -> Dimension? {
    guard let x = a.known, let y = b.known else { return a.known == 0 ? b : b.known == 0 ? a : nil }
    let (sum, overflow) = x.addingReportingOverflow(y)
    if overflow { throw ONNXError(.limit, "a tensor with more elements than can be counted") }
    return Dimension(sum)
  }

  private func rows(_ facts: [TensorFact], _ place: Int) -> Rows {
    if facts.allSatisfy({ $0.rows == .shared }) { return .shared }
    guard case .axis(let axis) = facts[0].rows, axis != place,
      facts.allSatisfy({ $0.rows == .axis(axis) && $0.dimensions[axis] == facts[0].dimensions[axis] })
    else { return .mixed }
    return .axis(axis)
  }

  func step(_ node: StepRequest) throws -> Step {
    let y = try node.output()
    let place = try normalizedAxis(axis, rank: y.shape.rank)
    let inputs = try node.inputs.indices.map { try node.input($0) }
    if inputs.count == 1 { return try .view(node) }
    // The channels of channels-last images are the innermost axis.
    let outer =
      layout == .channelsLast
      ? y.shape[0] * y.shape.dropFirst(2).reduce(1, *) : Shape(y.shape[..<place]).elementCount ?? 0
    return Step { memory in
      if y.count == 0 { return }
      let stride = y.byteCount / outer
      var target = memory[y]
      for input in inputs where input.count > 0 {
        let rowBytes = input.byteCount / outer
        memory.kernels.copyRows(
          memory[input], sourceStride: rowBytes, target, targetStride: stride, rowByteCount: rowBytes,
          rows: outer, team: memory.team)
        target += rowBytes
      }
    }
  }
}

extension Concat: ChannelsLastCapable {
  func channelsLast(_ inputs: [TensorFact?]) -> ChannelsLastForm? {
    guard inputs.count > 1, inputs.allSatisfy({ $0?.rank == 4 }), axis == 1 || axis == -3 else { return nil }
    var operation = self
    operation.layout = .channelsLast
    return ChannelsLastForm(operation: operation, inputs: inputs.map { _ in true })
  }
}

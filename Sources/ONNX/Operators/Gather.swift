import Tensors

/// The ONNX operator Gather: slices of one axis, by INT32 or INT64 indices, negative ones from the end.
struct Gather: Operation {
  static let description = OperatorDescription("Gather", inputs: 2...2, support: "all datatypes") { reader in
    Gather(axis: try reader.int("axis", default: 0))
  }

  let name = "Gather"
  let axis: Int

  func infer(_ node: NodeFacts) throws -> [TensorFact] {
    let x = try node.input(0)
    let indices = try node.input(1)
    try node.require(1, .int32, .int64)
    let place = try normalizedAxis(axis, rank: x.rank)
    guard x.rank - 1 + indices.rank <= Shape.maximumRank else {
      throw ONNXError(
        .limit,
        "an output of \(x.rank - 1 + indices.rank) dimensions; at most \(Shape.maximumRank) are supported")
    }
    let dimensions = x.dimensions[..<place] + indices.dimensions + x.dimensions[(place + 1)...]
    var fact = TensorFact(x.datatype, Array(dimensions), rows: rows(x, indices, place))
    fact.elements = try elements(x, indices)
    return [fact]
  }

  private func rows(_ x: TensorFact, _ indices: TensorFact, _ place: Int) -> Rows {
    switch (x.rows, indices.rows) {
    case (.shared, .shared): .shared
    case (.axis(let axis), .shared):
      axis == place ? .mixed : .axis(axis < place ? axis : axis - 1 + indices.rank)
    case (.shared, .axis(let axis)): .axis(place + axis)
    default: .mixed
    }
  }

  private func elements(_ x: TensorFact, _ indices: TensorFact) throws -> [Dimension]? {
    guard x.rank == 1, let source = x.contents, let places = indices.contents else { return nil }
    var result: [Dimension] = []
    for place in places {
      guard let index = place.known else { return nil }
      let element = index < 0 ? index + source.count : index
      guard source.indices.contains(element) else { throw Gather.outOfRange(index, source.count) }
      result.append(source[element])
    }
    return result
  }

  func step(_ node: StepRequest) throws -> Step {
    let x = try node.input(0)
    let indices = try node.input(1)
    let y = try node.output()
    let place = try normalizedAxis(axis, rank: x.shape.rank)
    let length = x.shape[place]
    let outer = Shape(x.shape[..<place]).elementCount ?? 0
    let inner = (Shape(x.shape[(place + 1)...]).elementCount ?? 0) * x.datatype.byteCount
    let isWide = indices.datatype == .int64
    return Step { memory in
      var target = memory[y]
      for block in 0..<outer {
        let source = memory[x] + block * length * inner
        for index in 0..<indices.count {
          let raw =
            isWide
            ? Int(memory.elements(indices, as: Int64.self)[index])
            : Int(memory.elements(indices, as: Int32.self)[index])
          let element = raw < 0 ? raw &+ length : raw
          guard element >= 0, element < length else { throw Gather.outOfRange(raw, length) }
          target.copyMemory(from: source + element * inner, byteCount: inner)
          target += inner
        }
      }
    }
  }

  private static func outOfRange(_ index: Int, _ length: Int) -> ONNXError {
    ONNXError(.argument, "index \(index) is outside -\(length)…\(length - 1)")
  }
}

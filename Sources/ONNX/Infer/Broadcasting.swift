/// Shape and row rules of NumPy's broadcasting, which operators on elements share.
enum Broadcasting {
  /// The shape that inputs of these facts broadcast to.
  static func dimensions(_ facts: [TensorFact], _ node: NodeFacts) throws -> [Dimension] {
    let rank = facts.map(\.rank).max() ?? 0
    return try (0..<rank).map { axis in
      var result = Dimension.one
      for fact in facts where axis >= rank - fact.rank {
        result = try combined(result, fact.dimensions[axis - (rank - fact.rank)], facts, node)
      }
      return result
    }
  }

  private static func combined(
    _ a: Dimension, _ b: Dimension, _ facts: [TensorFact], _ node: NodeFacts
  ) throws -> Dimension {
    if a == b || b.isOne { return a }
    if a.isOne { return b }
    switch (a.known, b.known) {
    case (.some, .some):
      throw ONNXError(
        .invalid,
        "shapes \(facts.map(\.shapeText).joined(separator: " and ")) do not broadcast: \(a) against \(b)")
    case (.some, nil): return a
    case (nil, .some): return b
    case (nil, nil): return node.freshDimension()
    }
  }

  /// The rows of an output whose every element depends on the elements of the inputs at its place.
  static func rows(_ facts: [TensorFact], output: [Dimension]) -> Rows {
    var axis: Int?
    for fact in facts {
      switch fact.rows {
      case .shared: continue
      case .mixed: return .mixed
      case .axis(let place):
        let aligned = output.count - fact.rank + place
        if let axis, axis != aligned { return .mixed }
        axis = aligned
      }
    }
    guard let axis else { return .shared }
    for fact in facts {
      let place = axis - (output.count - fact.rank)
      guard place >= 0 else { continue }
      let dimension = fact.dimensions[place]
      if case .axis = fact.rows {
        if dimension != output[axis] { return .mixed }
      } else if !dimension.isOne {
        return .mixed
      }
    }
    return .axis(axis)
  }
}

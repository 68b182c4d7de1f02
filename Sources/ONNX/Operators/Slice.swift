import Tensors

/// The ONNX operator Slice. Starts, ends and axes are attributes before opset 10, inputs since, with steps.
struct Slice: Operation {
  static let description = OperatorDescription(
    "Slice", inputs: 1...5, support: "all datatypes; any steps; bounds known before the run"
  ) { reader in
    if reader.opset >= 10 { return Slice(attributes: nil) }
    let starts = try reader.required("starts", try reader.ints("starts"))
    return Slice(
      attributes: Bounds(
        starts: starts, ends: try reader.required("ends", try reader.ints("ends")),
        axes: try reader.ints("axes") ?? Array(starts.indices),
        steps: Array(repeating: 1, count: starts.count)))
  }

  /// What is cut, as the model writes it.
  struct Bounds: Sendable {
    let starts: [Int]
    let ends: [Int]
    let axes: [Int]
    let steps: [Int]
  }

  /// The places taken from one axis.
  private struct Cut {
    var start: Int
    var step: Int
    var count: Int
  }

  let name = "Slice"
  let attributes: Bounds?

  func infer(_ node: NodeFacts) throws -> [TensorFact] {
    let x = try node.input(0)
    guard let bounds = try bounds(node) else {
      return [
        TensorFact(x.datatype, node.freshDimensions(x.rank), rows: x.rows == .shared ? .shared : .mixed)
      ]
    }
    var dimensions = x.dimensions
    var rows = x.rows
    for (index, axis) in try checkedAxes(bounds, rank: x.rank).enumerated() {
      if Slice.isWhole(bounds, index) { continue }
      if x.rows == .axis(axis) { rows = .mixed }
      if let extent = x.dimensions[axis].known {
        dimensions[axis] = Dimension(try cut(bounds, index, extent).count)
      } else {
        dimensions[axis] = node.freshDimension()
      }
    }
    var fact = TensorFact(x.datatype, dimensions, rows: rows)
    fact.elements = try elements(x, bounds)
    return [fact]
  }

  private func elements(_ x: TensorFact, _ bounds: Bounds) throws -> [Dimension]? {
    guard x.rank == 1, bounds.axes.count == 1, let contents = x.contents else { return nil }
    let cut = try cut(bounds, 0, contents.count)
    return (0..<cut.count).map { contents[cut.start + $0 * cut.step] }
  }

  private func bounds(_ node: NodeFacts) throws -> Bounds? {
    if let attributes { return attributes }
    // All are asked for, so that all that miss are noted.
    let (starts, ends) = (try node.integers(1), try node.integers(2))
    let axes = node.has(3) ? try node.integers(3) : starts.map { Array($0.indices) }
    let steps = node.has(4) ? try node.integers(4) : starts.map { Array(repeating: 1, count: $0.count) }
    guard let starts, let ends, let axes, let steps else { return nil }
    return Bounds(starts: starts, ends: ends, axes: axes, steps: steps)
  }

  private func checkedAxes(_ bounds: Bounds, rank: Int) throws -> [Int] {
    let count = bounds.starts.count
    guard bounds.ends.count == count, bounds.axes.count == count, bounds.steps.count == count else {
      throw ONNXError(
        .invalid,
        "\(count) starts, \(bounds.ends.count) ends, \(bounds.axes.count) axes and \(bounds.steps.count) steps"
      )
    }
    _ = try normalizedAxes(bounds.axes, rank: rank)
    return try bounds.axes.map { try normalizedAxis($0, rank: rank) }
  }

  /// Whether the bounds take the whole axis whatever its size.
  private static func isWhole(_ bounds: Bounds, _ index: Int) -> Bool {
    bounds.starts[index] == 0 && bounds.steps[index] == 1 && bounds.ends[index] >= Int(Int32.max)
  }

  private func cut(_ bounds: Bounds, _ index: Int, _ extent: Int) throws -> Cut {
    let step = bounds.steps[index]
    guard step != 0, step > -(1 << 40) else { throw ONNXError(.invalid, "a step of \(step)") }
    let start = Slice.clamped(bounds.starts[index], extent, backwards: step < 0)
    let end = Slice.clamped(bounds.ends[index], extent, backwards: step < 0, isEnd: true)
    let distance = step > 0 ? end - start : start - end
    guard distance > 0 else { return Cut(start: 0, step: 1, count: 0) }
    let size = step > 0 ? step : -step
    return Cut(start: start, step: step, count: (distance - 1) / size + 1)
  }

  private static func clamped(_ place: Int, _ extent: Int, backwards: Bool, isEnd: Bool = false) -> Int {
    let absolute = place < 0 ? max(place, -Int(Int32.max) - extent) + extent : place
    if backwards { return min(max(absolute, -1), extent - 1) }
    return min(max(absolute, 0), extent)
  }

  func step(_ node: StepRequest) throws -> Step {
    let x = try node.input(0)
    let y = try node.output()
    let bounds: Bounds
    if let attributes {
      bounds = attributes
    } else {
      let starts = try node.input(1).constant?.integers ?? []
      bounds = Bounds(
        starts: starts, ends: try node.input(2).constant?.integers ?? [],
        axes: node.optional(3)?.constant?.integers ?? Array(starts.indices),
        steps: node.optional(4)?.constant?.integers ?? Array(repeating: 1, count: starts.count))
    }
    if x.shape == y.shape && bounds.steps.allSatisfy({ $0 > 0 }) { return try .view(node) }
    var strides = StridedCopy.denseStrides(x.shape)
    var start = 0
    for (index, axis) in try checkedAxes(bounds, rank: x.shape.rank).enumerated() {
      let cut = try cut(bounds, index, x.shape[axis])
      guard cut.count == y.shape[axis] else { throw ONNXError(.invalid, "an output of shape \(y.shape)") }
      if cut.count == 0 { return Step { _ in } }
      start += cut.start * strides[axis]
      strides[axis] = cut.count == 1 ? 0 : strides[axis] * cut.step
    }
    let copy = StridedCopy(shape: y.shape, strides: strides, start: start, elementBytes: x.datatype.byteCount)
    return Step { memory in copy.run(memory[x], memory[y]) }
  }
}

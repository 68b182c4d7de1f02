import Tensors

/// The ONNX operator Shape, with `start` and `end`.
struct ShapeOf: Operation {
  static let description = OperatorDescription(
    "Shape", inputs: 1...1, support: "all datatypes; start and end"
  ) {
    reader in ShapeOf(start: try reader.int("start", default: 0), end: try reader.int("end"))
  }

  let name = "Shape"
  let start: Int
  let end: Int?
  var readsElements: Bool { false }

  func infer(_ node: NodeFacts) throws -> [TensorFact] {
    let x = try node.input(0)
    let from = place(start, x.rank)
    let dimensions = Array(x.dimensions[from..<max(from, place(end ?? x.rank, x.rank))])
    // Sizes that count the batch's rows are no rows of theirs.
    let countsRows = dimensions.contains { $0.contains(.batch) }
    var fact = TensorFact(.int64, [Dimension(dimensions.count)], rows: countsRows ? .mixed : .shared)
    fact.elements = dimensions
    return [fact]
  }

  private func place(_ axis: Int, _ rank: Int) -> Int { min(max(axis < 0 ? axis + rank : axis, 0), rank) }

  func step(_ node: StepRequest) throws -> Step {
    let x = try node.input(0)
    let y = try node.output()
    let from = place(start, x.shape.rank)
    return Step { memory in
      let target = memory.elements(y, as: Int64.self)
      for index in 0..<y.count { target[index] = Int64(x.shape[from + index]) }
    }
  }
}

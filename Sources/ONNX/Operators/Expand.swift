import Tensors

/// The ONNX operator Expand: broadcasting to a shape.
struct Expand: Operation {
  static let description = OperatorDescription(
    "Expand", inputs: 2...2, support: "all datatypes; shape known before the run"
  ) { _ in Expand() }

  let name = "Expand"

  func infer(_ node: NodeFacts) throws -> [TensorFact] {
    let x = try node.input(0)
    guard let target = try node.contents(1) else {
      let rank = max(try node.listLength(1), x.rank)
      return [TensorFact(x.datatype, node.freshDimensions(rank), rows: x.rows == .shared ? .shared : .mixed)]
    }
    guard target.count <= Shape.maximumRank, target.allSatisfy({ $0.known ?? 0 >= 0 }) else {
      throw ONNXError(.invalid, "a shape of \(target.map(\.description))")
    }
    let shape = TensorFact(x.datatype, target)
    let dimensions = try Broadcasting.dimensions([x, shape], node)
    // A target that counts the batch's rows repeats elements once a row: the result has the batch's size.
    let countsRows = target.contains { $0.contains(.batch) }
    var rows = Broadcasting.rows([x], output: dimensions)
    if rows == .shared && countsRows { rows = .mixed }
    return [TensorFact(x.datatype, dimensions, rows: rows)]
  }

  func step(_ node: StepRequest) throws -> Step {
    let x = try node.input(0)
    let y = try node.output()
    if x.count == y.count { return try .view(node) }
    let copy = StridedCopy(
      shape: y.shape, strides: BroadcastIndex.strides(x.shape, to: y.shape), start: 0,
      elementBytes: x.datatype.byteCount)
    return Step { memory in copy.run(memory[x], memory[y]) }
  }
}

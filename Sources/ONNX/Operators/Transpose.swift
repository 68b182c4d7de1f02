import Kernels
import Tensors

/// The ONNX operator Transpose.
struct Transpose: Operation {
  static let description = OperatorDescription("Transpose", inputs: 1...1, support: "all datatypes") {
    reader in
    Transpose(permutation: try reader.ints("perm"))
  }

  let name = "Transpose"
  /// Nil reverses the axes.
  let permutation: [Int]?

  func infer(_ node: NodeFacts) throws -> [TensorFact] {
    let x = try node.input(0)
    let order = try order(rank: x.rank)
    var rows = x.rows
    if case .axis(let axis) = x.rows, let place = order.firstIndex(of: axis) { rows = .axis(place) }
    return [TensorFact(x.datatype, order.map { x.dimensions[$0] }, rows: rows)]
  }

  private func order(rank: Int) throws -> [Int] {
    guard let permutation else { return (0..<rank).reversed() }
    guard permutation.sorted() == Array(0..<rank) else {
      throw ONNXError(.invalid, "perm \(permutation) is no order of \(rank) axes")
    }
    return permutation
  }

  func step(_ node: StepRequest) throws -> Step {
    let x = try node.input(0)
    let y = try node.output()
    let order = try order(rank: x.shape.rank)
    let moved = order.filter { x.shape[$0] != 1 }
    if moved == moved.sorted() { return try .view(node) }
    let permutation = Shape(order)
    return Step { memory in
      if x.count == 0 { return }
      memory.kernels.transpose(
        elementSize: x.datatype.byteCount, shape: x.shape, permutation: permutation, memory[x], memory[y],
        team: memory.team)
    }
  }
}

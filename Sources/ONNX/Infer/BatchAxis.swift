/// Whether dimension 0 of a graph's inputs can be a batch: all leave it open, under one name that
/// stands nowhere else. One input may leave it without a name.
struct BatchAxis {
  let isBatch: Bool

  init(_ graph: Graph) {
    let first = graph.inputs.map { $0.dimensions.first }
    let others = graph.inputs.flatMap { $0.dimensions.dropFirst() }
    switch first.first {
    case .some(.some(.open)): isBatch = graph.inputs.count == 1
    case .some(.some(.named(let name))):
      isBatch = first.allSatisfy { $0 == .named(name) } && !others.contains(.named(name))
    default: isBatch = false
    }
  }
}

/// Removes nodes that give their input on as it is: Identity, Dropout without a mask, a Cast to the
/// same datatype.
struct RedundantNodeRemoval: SimplificationPass {
  let name = "removal of redundant nodes"

  func apply(to inferred: inout InferredGraph, _ engine: Engine) throws {
    var replacement: [ValueID: ValueID] = [:]
    let outputs = Set(inferred.graph.outputs)
    var kept: [Graph.Node] = []
    for node in inferred.graph.nodes {
      var node = node
      node.inputs = node.inputs.map { $0.map { replacement[$0] ?? $0 } }
      if let input = node.inputs.first ?? nil, let output = node.outputs.first ?? nil,
        !outputs.contains(output), isRedundant(node, inferred)
      {
        replacement[output] = input
      } else {
        kept.append(node)
      }
    }
    inferred.graph.nodes = kept
  }

  private func isRedundant(_ node: Graph.Node, _ inferred: InferredGraph) -> Bool {
    switch node.operation {
    case is Identity: true
    case is Dropout: node.outputs.dropFirst().allSatisfy { $0 == nil }
    case let cast as Cast: node.inputs[0].flatMap { inferred.fact($0)?.datatype } == cast.target
    default: false
    }
  }
}

/// Infers and simplifies the graphs within nodes, with what is known around them.
struct SubgraphPreparation: SimplificationPass {
  let name = "simplification of subgraphs"

  func apply(to inferred: inout InferredGraph, _ engine: Engine) throws {
    for index in inferred.graph.nodes.indices {
      let node = inferred.graph.nodes[index]
      guard let holder = node.operation as? any SubgraphHolder else { continue }
      let facts = node.inputs.map { $0.flatMap { inferred.fact($0) } }
      inferred.graph.nodes[index].operation = try at(node.place) { try holder.prepared(facts, engine) }
    }
  }
}

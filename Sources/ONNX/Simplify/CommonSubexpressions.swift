/// Lets nodes that compute the same share one result: masks, shapes and rotary angles that exporters write
/// once a layer.
struct CommonSubexpressions: SimplificationPass {
  let name = "common subexpressions"

  private struct Key: Hashable {
    let signature: String
    let inputs: [ValueID?]
    /// Which outputs somebody asks for.
    let outputs: [Bool]
  }

  func apply(to inferred: inout InferredGraph, _ engine: Engine) throws {
    var known: [Key: [ValueID?]] = [:]
    var replacement: [ValueID: ValueID] = [:]
    let isOutput = Set(inferred.graph.outputs)
    var kept: [Graph.Node] = []
    for node in inferred.graph.nodes {
      var node = node
      node.inputs = node.inputs.map { $0.map { replacement[$0] ?? $0 } }
      let outputs = node.outputs.map { $0 != nil }
      guard let signature = node.signature, !node.operation.isRandom,
        !(node.operation is any SubgraphHolder),
        !node.outputs.contains(where: { $0.map { isOutput.contains($0) } ?? false })
      else {
        kept.append(node)
        continue
      }
      let key = Key(signature: signature, inputs: node.inputs, outputs: outputs)
      if let earlier = known[key] {
        for case (let own?, let other?) in zip(node.outputs, earlier) { replacement[own] = other }
      } else {
        known[key] = node.outputs
        kept.append(node)
      }
    }
    inferred.graph.nodes = kept
  }
}

import Tensors

/// Puts the nodes of the branch that an If takes in its place, where the condition is known before the run.
enum BranchInlining {
  /// The graph without those Ifs; nil when there are none.
  static func inlined(_ graph: Graph, _ facts: [TensorFact?]) -> Graph? {
    var result = graph
    result.nodes = []
    var isChanged = false
    for node in graph.nodes {
      guard let operation = node.operation as? If, let condition = node.inputs[0],
        let value = facts[condition]?.constant, value.datatype == .bool, value.elementCount == 1
      else {
        result.nodes.append(node)
        continue
      }
      append(value.integer(at: 0) != 0 ? operation.yes : operation.no, node, &result)
      isChanged = true
    }
    return isChanged ? result : nil
  }

  private static func append(_ branch: Subgraph, _ node: Graph.Node, _ result: inout Graph) {
    var values: [ValueID: ValueID] = [:]
    for (value, input) in branch.captures where input < node.inputs.count {
      values[value] = node.inputs[input]
    }
    func mapped(_ value: ValueID) -> ValueID {
      if let known = values[value] { return known }
      let new = result.makeValue(branch.graph.valueNames[value])
      values[value] = new
      if let constant = branch.graph.constants[value] { result.constants[new] = constant }
      return new
    }
    for inner in branch.graph.nodes {
      var copy = inner
      copy.inputs = inner.inputs.map { $0.map(mapped) }
      copy.outputs = inner.outputs.map { $0.map(mapped) }
      result.nodes.append(copy)
    }
    for (output, value) in zip(node.outputs, branch.graph.outputs) {
      guard let output else { continue }
      result.nodes.append(
        Graph.Node(name: node.name, operation: Identity(), inputs: [mapped(value)], outputs: [output]))
    }
  }
}

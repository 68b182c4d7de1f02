/// Replaces every value that inference found to be constant by that constant.
struct ConstantFolding: SimplificationPass {
  let name = "constant folding"

  func apply(to inferred: inout InferredGraph, _ engine: Engine) throws {
    for node in inferred.graph.nodes {
      for case let output? in node.outputs {
        if let constant = inferred.facts[output]?.constant { inferred.graph.constants[output] = constant }
      }
    }
    inferred.graph.nodes.removeAll { node in
      node.outputs.allSatisfy { output in output.map { inferred.graph.constants[$0] != nil } ?? true }
    }
    // A node that keeps another output defines its constant ones no more.
    for index in inferred.graph.nodes.indices {
      inferred.graph.nodes[index].outputs = inferred.graph.nodes[index].outputs.map { output in
        output.flatMap { inferred.graph.constants[$0] == nil ? $0 : nil }
      }
    }
  }
}

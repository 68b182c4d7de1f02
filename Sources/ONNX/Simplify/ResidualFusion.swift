import Kernels
import Tensors

/// Joins the addition of another tensor of the same shape to the Conv or MatMul before it.
struct ResidualFusion: SimplificationPass {
  let name = "fusion of residuals"

  func apply(to inferred: inout InferredGraph, _ engine: Engine) throws {
    let chains = Chains(inferred.graph)
    var removed: Set<Int> = []
    for index in inferred.graph.nodes.indices {
      let node = inferred.graph.nodes[index]
      guard let addition = node.operation as? BinaryArithmetic, addition.operation == .add,
        let (value, residual, place) = pair(node, chains, inferred, removed)
      else { continue }
      var fused = inferred.graph.nodes[place]
      while fused.inputs.count < 3 { fused.inputs.append(nil) }
      fused.inputs.append(residual)
      fused.outputs = node.outputs
      // The node moves to where the addition was: the residual is computed by then.
      inferred.graph.nodes[index] = fused
      inferred.facts[value] = nil
      removed.insert(place)
    }
    inferred.graph.removeNodes(at: removed)
  }

  /// Of an addition: the value that a node can add to, what is added, and the node.
  private func pair(
    _ node: Graph.Node, _ chains: Chains, _ inferred: InferredGraph, _ removed: Set<Int>
  ) -> (value: ValueID, residual: ValueID, place: Int)? {
    for (side, other) in [(1, 0), (0, 1)] {
      guard let value = node.inputs[side], let residual = node.inputs[other], value != residual,
        let place = chains.soleProducer(of: value, in: inferred.graph), !removed.contains(place),
        inferred.graph.nodes[place].outputs.first == value,
        takesResidual(inferred.graph.nodes[place], inferred),
        let a = inferred.fact(value), let b = inferred.fact(residual), a.datatype == .fp32,
        a.dimensions == b.dimensions, a.rank >= 2
      else { continue }
      return (value, residual, place)
    }
    return nil
  }

  private func takesResidual(_ node: Graph.Node, _ inferred: InferredGraph) -> Bool {
    guard node.inputs.count <= 3 else { return false }
    switch node.operation {
    case let conv as Conv:
      // A volume is summed slice by slice, with no place for a residual.
      return conv.activation == .none && node.inputs[0].flatMap { inferred.fact($0)?.rank } ?? 5 <= 4
    case let product as MatMul: return product.activation == .none
    default: return false
    }
  }
}

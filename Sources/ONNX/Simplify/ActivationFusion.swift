import Kernels
import Tensors

/// Joins an activation to the Conv, Gemm, MatMul or BatchNormalization before it.
struct ActivationFusion: SimplificationPass {
  let name = "fusion of activations"

  func apply(to inferred: inout InferredGraph, _ engine: Engine) throws {
    let chains = Chains(inferred.graph)
    var removed: Set<Int> = []
    for index in inferred.graph.nodes.indices {
      let node = inferred.graph.nodes[index]
      guard let value = node.inputs.first ?? nil, inferred.fact(value)?.datatype == .fp32,
        let activation = activation(node, inferred.graph),
        let place = chains.soleProducer(of: value, in: inferred.graph), !removed.contains(place),
        let fused = fused(inferred.graph.nodes[place].operation, activation)
      else { continue }
      inferred.graph.nodes[place].operation = fused
      inferred.graph.nodes[place].outputs = node.outputs
      removed.insert(index)
    }
    inferred.graph.removeNodes(at: removed)
  }

  private func activation(_ node: Graph.Node, _ graph: Graph) -> Activation? {
    switch node.operation {
    case let function as UnaryFunction: return function.activation
    case let clip as Clip:
      let bounds = node.inputs.dropFirst().map { $0.flatMap { graph.constants[$0] } }
      // A bound that is there but not constant comes with the tensors.
      let isOpen = zip(node.inputs.dropFirst(), bounds).contains { $0 != nil && $1 == nil }
      return isOpen
        ? nil : clip.activation(low: bounds.first ?? nil, high: bounds.count > 1 ? bounds[1] : nil)
    default: return nil
    }
  }

  private func fused(_ operation: any Operation, _ activation: Activation) -> (any Operation)? {
    switch operation {
    case var conv as Conv where conv.activation == .none:
      conv.activation = activation
      return conv
    case var conv as ConvTranspose where conv.activation == .none:
      conv.activation = activation
      return conv
    case var product as MatMul where product.activation == .none:
      product.activation = activation
      return product
    case var product as Gemm where product.activation == .none:
      product.activation = activation
      return product
    case var normalization as BatchNormalization where normalization.activation == .none:
      normalization.activation = activation
      return normalization
    default: return nil
    }
  }
}

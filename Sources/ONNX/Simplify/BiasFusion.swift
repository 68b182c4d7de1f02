import Kernels
import Tensors

/// Joins the addition of a constant for each channel or column to the Conv or MatMul before it.
struct BiasFusion: SimplificationPass {
  let name = "fusion of biases"

  func apply(to inferred: inout InferredGraph, _ engine: Engine) throws {
    let chains = Chains(inferred.graph)
    var removed: Set<Int> = []
    for index in inferred.graph.nodes.indices {
      let node = inferred.graph.nodes[index]
      guard let addition = node.operation as? BinaryArithmetic, addition.operation == .add else { continue }
      for (side, other) in [(0, 1), (1, 0)] {
        guard let value = node.inputs[side],
          let addend = node.inputs[other].flatMap({ inferred.graph.constants[$0] }),
          let place = chains.soleProducer(of: value, in: inferred.graph), !removed.contains(place),
          let bias = bias(addend, for: inferred.graph.nodes[place], inferred.fact(value))
        else { continue }
        let name = inferred.graph.makeValue("\(node.name) bias")
        inferred.add(bias, as: name)
        inferred.graph.nodes[place].inputs = Array(inferred.graph.nodes[place].inputs.prefix(2)) + [name]
        inferred.graph.nodes[place].outputs = node.outputs
        removed.insert(index)
        break
      }
    }
    inferred.graph.removeNodes(at: removed)
  }

  /// The addend as the bias of a node that has none yet.
  private func bias(_ addend: Constant, for node: Graph.Node, _ output: TensorFact?) -> Constant? {
    guard let output, addend.datatype == .fp32, output.datatype == .fp32,
      node.inputs.dropFirst(2).allSatisfy({ $0 == nil }),
      addend.shape.rank <= output.rank
    else { return nil }
    let axis: Int
    switch node.operation {
    case is Conv: axis = 1
    case is MatMul where output.rank >= 2: axis = output.rank - 1
    default: return nil
    }
    // The addend must have the channels along that axis, and nothing along the others.
    let own = axis - (output.rank - addend.shape.rank)
    guard own >= 0, let channels = output.dimensions[axis].known, addend.shape[own] == channels,
      addend.elementCount == channels
    else { return nil }
    return addend.reshaped(to: [channels])
  }
}

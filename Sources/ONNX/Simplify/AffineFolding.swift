import Kernels
import Tensors

/// Folds a product with, and a sum with, one number or one number a channel into the convolution before it.
struct AffineFolding: SimplificationPass {
  let name = "folding of scales and shifts"

  func apply(to inferred: inout InferredGraph, _ engine: Engine) throws {
    let chains = Chains(inferred.graph)
    var removed: Set<Int> = []
    // The Conv that gives what a removed node gave.
    var replacement: [ValueID: Int] = [:]
    for index in inferred.graph.nodes.indices {
      let node = inferred.graph.nodes[index]
      guard let (value, change) = change(node, inferred.graph) else { continue }
      let producer = replacement[value] ?? chains.soleProducer(of: value, in: inferred.graph)
      guard let producer, chains.isUsedOnce(value), !removed.contains(producer),
        let folded = try fold(change, into: inferred.graph.nodes[producer], inferred)
      else { continue }
      let weights = inferred.graph.makeValue("\(node.name) weights")
      let bias = inferred.graph.makeValue("\(node.name) bias")
      inferred.add(folded.weights, as: weights)
      inferred.add(folded.bias, as: bias)
      inferred.graph.nodes[producer].inputs = [inferred.graph.nodes[producer].inputs[0], weights, bias]
      inferred.graph.nodes[producer].outputs = node.outputs
      if let output = node.outputs[0] { replacement[output] = producer }
      removed.insert(index)
    }
    inferred.graph.removeNodes(at: removed)
  }

  private enum Change {
    case scale(Constant)
    case shift(Constant)
  }

  private func change(_ node: Graph.Node, _ graph: Graph) -> (ValueID, Change)? {
    guard let arithmetic = node.operation as? BinaryArithmetic, arithmetic.placement.axis == nil,
      arithmetic.operation == .add || arithmetic.operation == .multiply
    else { return nil }
    for (side, other) in [(0, 1), (1, 0)] {
      guard let value = node.inputs[side], let constant = node.inputs[other].flatMap({ graph.constants[$0] }),
        constant.datatype == .fp32, graph.constants[value] == nil
      else { continue }
      return (value, arithmetic.operation == .add ? .shift(constant) : .scale(constant))
    }
    return nil
  }

  private func fold(_ change: Change, into node: Graph.Node, _ inferred: InferredGraph) throws
    -> (weights: Constant, bias: Constant)?
  {
    let graph = inferred.graph
    guard let (weights, axis) = node.foldableWeights(graph) else { return nil }
    let channels = weights.shape[axis]
    var bias = [Float](repeating: 0, count: channels)
    if node.inputs.count > 2, let value = node.inputs[2] {
      guard let own = graph.constants[value]?.floats, own.count == channels else { return nil }
      bias = own
    }
    switch change {
    case .shift(let constant):
      guard let shifts = perChannel(constant, channels, rank: weights.shape.rank) else { return nil }
      return (weights, try Constant.make(floats: zip(bias, shifts).map { $0 + $1 }))
    case .scale(let constant):
      guard let factors = perChannel(constant, channels, rank: weights.shape.rank) else { return nil }
      let scaled = try weights.scaled(by: factors, axis: axis)
      return (scaled, try Constant.make(floats: zip(bias, factors).map { $0 * $1 }))
    }
  }

  /// One number a channel, from one number or from [channels, 1…].
  private func perChannel(_ constant: Constant, _ channels: Int, rank: Int) -> [Float]? {
    guard let values = constant.floats, constant.shape.rank <= rank else { return nil }
    if values.count == 1 { return [Float](repeating: values[0], count: channels) }
    let axis = constant.shape.rank - (rank - 1)
    guard values.count == channels, axis >= 0, constant.shape[axis] == channels else { return nil }
    return values
  }
}

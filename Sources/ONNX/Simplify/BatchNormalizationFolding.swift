import Tensors

/// Folds a BatchNormalization behind a Conv into its weights and bias.
struct BatchNormalizationFolding: SimplificationPass {
  let name = "folding of batch normalization"

  func apply(to inferred: inout InferredGraph, _ engine: Engine) throws {
    let chains = Chains(inferred.graph)
    var removed: Set<Int> = []
    for index in inferred.graph.nodes.indices {
      let node = inferred.graph.nodes[index]
      guard let normalization = node.operation as? BatchNormalization, let input = node.inputs[0],
        let place = chains.soleProducer(of: input, in: inferred.graph),
        let folded = try fold(inferred, inferred.graph.nodes[place], node, normalization)
      else { continue }
      let weights = inferred.graph.makeValue("\(node.name) weights")
      let bias = inferred.graph.makeValue("\(node.name) bias")
      inferred.add(folded.weights, as: weights)
      inferred.add(folded.bias, as: bias)
      inferred.graph.nodes[place].inputs = [inferred.graph.nodes[place].inputs[0], weights, bias]
      inferred.graph.nodes[place].outputs = node.outputs
      removed.insert(index)
    }
    inferred.graph.removeNodes(at: removed)
  }

  private func fold(
    _ inferred: InferredGraph, _ node: Graph.Node, _ next: Graph.Node, _ normalization: BatchNormalization
  ) throws -> (weights: Constant, bias: Constant)? {
    let graph = inferred.graph
    guard node.operation is Conv, let weightID = node.inputs[1], let weights = graph.constants[weightID],
      let scale = floats(graph, next, 1), let shift = floats(graph, next, 2),
      let mean = floats(graph, next, 3),
      let variance = floats(graph, next, 4)
    else { return nil }
    var bias = [Float](repeating: 0, count: scale.count)
    if node.inputs.count > 2, node.inputs[2] != nil {
      guard let own = floats(graph, node, 2) else { return nil }
      bias = own
    }
    let channels = weights.shape[0]
    guard [scale.count, shift.count, mean.count, variance.count, bias.count].allSatisfy({ $0 == channels }),
      channels > 0
    else { return nil }
    let factors = scale.indices.map { scale[$0] / (variance[$0] + normalization.epsilon).squareRoot() }
    let perFilter = weights.elementCount / channels
    let scaled = try Constant.make(.fp32, weights.shape) { memory in
      let target = memory.assumingMemoryBound(to: Float.self)
      for filter in 0..<channels {
        for index in filter * perFilter..<(filter + 1) * perFilter {
          target[index] = weights.float(at: index) * factors[filter]
        }
      }
    }
    let shifted = bias.indices.map { (bias[$0] - mean[$0]) * factors[$0] + shift[$0] }
    return (scaled, try Constant.make(floats: shifted))
  }

  private func floats(_ graph: Graph, _ node: Graph.Node, _ index: Int) -> [Float]? {
    node.inputs[index].flatMap { graph.constants[$0]?.floats }
  }
}

extension InferredGraph {
  /// Gives `value`, the newest of the graph, its constant.
  mutating func add(_ constant: Constant, as value: ValueID) {
    graph.constants[value] = constant
    while facts.count <= value { facts.append(nil) }
    facts[value] = TensorFact(constant)
  }
}

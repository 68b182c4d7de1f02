import Kernels
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
    guard let (weights, axis) = node.foldableWeights(graph), let scale = floats(graph, next, 1),
      let shift = floats(graph, next, 2),
      let mean = floats(graph, next, 3),
      let variance = floats(graph, next, 4)
    else { return nil }
    var bias = [Float](repeating: 0, count: scale.count)
    if node.inputs.count > 2, node.inputs[2] != nil {
      guard let own = floats(graph, node, 2) else { return nil }
      bias = own
    }
    let channels = weights.shape[axis]
    guard [scale.count, shift.count, mean.count, variance.count, bias.count].allSatisfy({ $0 == channels }),
      channels > 0
    else { return nil }
    let factors = scale.indices.map { scale[$0] / (variance[$0] + normalization.epsilon).squareRoot() }
    let scaled = try weights.scaled(by: factors, axis: axis)
    let shifted = bias.indices.map { (bias[$0] - mean[$0]) * factors[$0] + shift[$0] }
    return (scaled, try Constant.make(floats: shifted))
  }

  private func floats(_ graph: Graph, _ node: Graph.Node, _ index: Int) -> [Float]? {
    node.inputs[index].flatMap { graph.constants[$0]?.floats }
  }
}

extension Graph.Node {
  /// The constant weights of a convolution without an activation, and their axis of output channels; nil for
  /// others, and for what scales cannot be folded into.
  func foldableWeights(_ graph: Graph) -> (weights: Constant, axis: Int)? {
    let axis: Int
    switch operation {
    case let conv as Conv where conv.activation == .none: axis = 0
    case let conv as ConvTranspose where conv.groups == 1 && conv.activation == .none: axis = 1
    default: return nil
    }
    guard inputs.count <= 3, let weights = inputs[1].flatMap({ graph.constants[$0] }),
      weights.datatype == .fp32,
      weights.shape.rank > 2, weights.elementCount > 0
    else { return nil }
    return (weights, axis)
  }
}

extension Constant {
  /// FP32 elements, each times the factor of its place along an axis.
  func scaled(by factors: [Float], axis: Int) throws -> Constant {
    let inner = shape.dropFirst(axis + 1).reduce(1, *)
    let source = try aligned()
    let count = elementCount
    defer { forgetFile() }
    return try withExtendedLifetime(source) {
      try Constant.make(.fp32, shape) { memory in
        let target = memory.assumingMemoryBound(to: Float.self)
        let values = source.pointer.assumingMemoryBound(to: Float.self)
        for run in 0..<count / inner {
          let factor = factors[run % factors.count]
          for index in run * inner..<(run + 1) * inner { target[index] = values[index] * factor }
        }
      }
    }
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

import Kernels

/// A rewrite of the graph that changes nothing but speed.
public protocol SimplificationPass: Sendable {
  var name: String { get }
  func apply(to inferred: inout InferredGraph, _ engine: Engine) throws
}

/// The fourth stage: a graph of fewer nodes with the same results. Its weights are packed for the
/// kernels, and it needs nothing of the model's file.
public struct SimplifiedGraph: Sendable {
  public var graph: Graph
}

public enum Simplification {
  /// All passes, in the order in which they run.
  public static let passes: [any SimplificationPass] = [
    CommonSubexpressions(), QuantizationFusion(), DynamicQuantizationFusion(), ConstantFolding(),
    SubgraphPreparation(), RedundantNodeRemoval(), AffineFolding(), BatchNormalizationFolding(),
    ActivationSpellings(), AttentionFusion(), BiasFusion(), ResidualFusion(),
    ActivationFusion(), ChannelsLastLayout(), WeightPacking(), RecurrencePacking(),
  ]

  public static func simplified(
    _ inferred: InferredGraph, _ engine: Engine, passes: [any SimplificationPass] = Simplification.passes
  ) throws -> SimplifiedGraph {
    try at(inferred.graph.path) {
      var inferred = inferred
      for pass in passes {
        try pass.apply(to: &inferred, engine)
        inferred.graph.removeUnused()
      }
      return SimplifiedGraph(graph: try inferred.graph.withOwnConstants())
    }
  }
}

extension Graph {
  /// The same graph with constants that lie in memory of their own, not in the model's file.
  func withOwnConstants() throws -> Graph {
    var graph = self
    for (value, constant) in constants { graph.constants[value] = try constant.copied() }
    for index in nodes.indices {
      guard var node = nodes[index].operation as? ConstantNode else { continue }
      node.value = try node.value.copied()
      graph.nodes[index].operation = node
    }
    return graph
  }

  /// Removes nodes and constants that no output needs.
  mutating func removeUnused() {
    var isNeeded = [Bool](repeating: false, count: valueNames.count)
    for output in outputs { isNeeded[output] = true }
    var kept: [Node] = []
    for node in nodes.reversed() where node.outputs.contains(where: { $0.map { isNeeded[$0] } ?? false }) {
      var node = node
      node.outputs = node.outputs.map { $0.flatMap { isNeeded[$0] ? $0 : nil } }
      for case let input? in node.inputs { isNeeded[input] = true }
      kept.append(node)
    }
    nodes = kept.reversed()
    constants = constants.filter { isNeeded[$0.key] }
  }
}

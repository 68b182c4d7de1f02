public import Tensors

/// A value of a graph: what a node, an input or an initializer defines. Values are numbered from 0.
public typealias ValueID = Int

/// The second stage: names resolved to values, each defined once and before it is used; nodes in an
/// order in which they can run; every operator known and its attributes read.
///
/// Made by `GraphBuilder`, changed by the passes of `Simplify`.
public struct Graph: Sendable {
  public struct Node: Sendable {
    public var name: String
    public var operation: any Operation
    /// Nil where an optional input is left out.
    public var inputs: [ValueID?]
    /// Nil where nobody asks for the output.
    public var outputs: [ValueID?]
    /// What the model says of the node beside its name, inputs and outputs: two nodes of one signature
    /// compute the same of the same inputs. Nil where that cannot be said.
    var signature: String?

    public init(
      name: String, operation: any Operation, inputs: [ValueID?], outputs: [ValueID?],
      signature: String? = nil
    ) {
      self.name = name
      self.operation = operation
      self.inputs = inputs
      self.outputs = outputs
      self.signature = signature
    }

    /// How messages call the node.
    var place: String { "node '\(name)' (\(operation.name))" }
  }

  public struct Input: Sendable {
    public var value: ValueID
    public var datatype: Datatype
    public var dimensions: [DeclaredDimension]
  }

  public var path: String
  public var metadata: [String: String]
  public var opsets: [String: Int]
  public var valueNames: [String]
  public var inputs: [Input]
  public var outputs: [ValueID]
  /// What the model says of its outputs' types; nil where it says nothing.
  public var declaredOutputs: [ValueType?]
  public var constants: [ValueID: Constant]
  public var nodes: [Node]

  /// A new value that no node defines yet.
  mutating func makeValue(_ name: String) -> ValueID {
    valueNames.append(name)
    return valueNames.count - 1
  }

  /// The node that defines each value, by its place in `nodes`.
  func producers() -> [ValueID: Int] {
    var producers: [ValueID: Int] = [:]
    for (index, node) in nodes.enumerated() {
      for case let output? in node.outputs { producers[output] = index }
    }
    return producers
  }

  /// How often each value is used, as an input of a node or an output of the graph.
  func useCounts() -> [Int] {
    var counts = [Int](repeating: 0, count: valueNames.count)
    for node in nodes {
      for case let input? in node.inputs { counts[input] += 1 }
    }
    for output in outputs { counts[output] += 1 }
    return counts
  }

  /// Lets every use of `old` use `new` instead.
  mutating func replaceUses(of old: ValueID, by new: ValueID) {
    for index in nodes.indices where nodes[index].inputs.contains(old) {
      nodes[index].inputs = nodes[index].inputs.map { $0 == old ? new : $0 }
    }
    outputs = outputs.map { $0 == old ? new : $0 }
  }
}

import Tensors

/// Checks a decoded model and makes a `Graph` of it. Refused: a name defined twice, an input that
/// nothing defines, a cycle, an opset out of range, and operators that are not supported, of which all
/// are told at once.
public enum GraphBuilder {
  public static func graph(of model: DecodedModel, limits: Limits = Limits()) throws -> Graph {
    try at(model.path) {
      let model = try FunctionExpansion.expanded(model, limits: limits)
      // A model of operators of other domains alone need not import the default one.
      let opset = model.opsets[""] ?? OperatorRegistry.newestOpset
      guard (OperatorRegistry.oldestOpset...OperatorRegistry.newestOpset).contains(opset) else {
        throw ONNXError(
          .unsupported,
          "the model uses opset \(opset); \(OperatorRegistry.oldestOpset) to \(OperatorRegistry.newestOpset) are supported"
        )
      }
      var message = UnsupportedOperators(limit: limits.listed)
      message.add(model.graph, model.opsets)
      if let error = message.error { throw error }
      let scope = GraphScope(model, outer: nil)
      guard !model.graph.outputs.isEmpty else { throw ONNXError(.invalid, "the graph has no outputs") }
      return try scope.build(model.graph, inputsAreTyped: true)
    }
  }
}

/// The names of one graph while it is built, and those of the graphs around it.
final class GraphScope {
  private let model: DecodedModel
  private let outer: GraphScope?
  private var valueNames: [String] = []
  private var values: [String: ValueID] = [:]
  private var constants: [ValueID: Constant] = [:]
  /// What the graph takes from those around it: the value here and the value there.
  private(set) var captures: [(inner: ValueID, outer: ValueID)] = []
  private(set) var formals: [ValueID] = []

  init(_ model: DecodedModel, outer: GraphScope?) {
    self.model = model
    self.outer = outer
  }

  /// - Parameter inputsAreTyped: whether the graph is the model's own, whose inputs must have types.
  func build(_ graph: DecodedGraph, inputsAreTyped: Bool) throws -> Graph {
    for tensor in graph.initializers {
      constants[try define(tensor.name, "initializer")] = tensor.constant
    }
    var inputs: [Graph.Input] = []
    for input in graph.inputs {
      // Before IR version 4 an initializer stood among the inputs too.
      if let value = values[input.name], constants[value] != nil { continue }
      let value = try define(input.name, "graph input")
      formals.append(value)
      if inputsAreTyped { inputs.append(try graphInput(input, value)) }
    }
    for (index, node) in graph.nodes.enumerated() {
      for output in node.outputs where !output.isEmpty { _ = try define(output, place(node, index)) }
    }
    let nodes = try graph.nodes.enumerated().map { index, node in
      try at(place(node, index)) { try resolved(node, index) }
    }
    let outputs = try graph.outputs.map { output in
      guard let value = value(output.name) else {
        throw ONNXError(.invalid, "graph output '\(output.name)' is defined by nothing")
      }
      return value
    }
    let result = Graph(
      path: model.path, metadata: model.metadata, opsets: model.opsets, valueNames: valueNames,
      inputs: inputs, outputs: outputs, declaredOutputs: graph.outputs.map(\.type), constants: constants,
      nodes: try NodeOrder.sorted(nodes, valueCount: valueNames.count))
    // Graphs within nodes may be looked at long after the load, when the file is another.
    return outer == nil ? result : try result.withOwnConstants()
  }

  private func define(_ name: String, _ what: String) throws -> ValueID {
    guard !name.isEmpty else { throw ONNXError(.invalid, "\(what) defines a value without a name") }
    guard values[name] == nil else {
      throw ONNXError(.invalid, "\(what) defines '\(name)', which is defined already")
    }
    return add(name)
  }

  private func add(_ name: String) -> ValueID {
    valueNames.append(name)
    values[name] = valueNames.count - 1
    return valueNames.count - 1
  }

  /// The value of that name, of this graph or of one around it.
  private func value(_ name: String) -> ValueID? {
    if let own = values[name] { return own }
    guard let outer, let theirs = outer.value(name) else { return nil }
    let own = add(name)
    captures.append((own, theirs))
    return own
  }

  private func graphInput(_ input: DecodedValue, _ value: ValueID) throws -> Graph.Input {
    switch input.type {
    case .tensor(let datatype, let dimensions?):
      return Graph.Input(value: value, datatype: datatype, dimensions: dimensions)
    case .tensor(_, nil): throw ONNXError(.unsupported, "input '\(input.name)' has no shape, not even a rank")
    case .other(let kind):
      throw ONNXError(.unsupported, "input '\(input.name)' is \(kind); only tensors are supported")
    case nil: throw ONNXError(.invalid, "input '\(input.name)' has no type")
    }
  }

  private func resolved(_ node: DecodedNode, _ index: Int) throws -> Graph.Node {
    guard let description = OperatorRegistry.operator(node.type, domain: node.domain) else {
      throw ONNXError(.unsupported, "operator \(node.type) is not supported")
    }
    var inputs = try node.inputs.map { name -> ValueID? in
      if name.isEmpty { return nil }
      guard let value = value(name) else {
        throw ONNXError(.invalid, "input '\(name)' is defined by nothing")
      }
      return value
    }
    try description.checkCounts(inputs: node.inputs.count, outputs: node.outputs.count)
    let subgraphs = SubgraphReader(model, self, inputCount: inputs.count)
    let opsets = node.opsets ?? model.opsets
    let reader = NodeReader(
      type: node.type, domain: node.domain,
      opset: opsets[node.domain] ?? OperatorRegistry.newestOpset(node.domain),
      attributes: node.attributes, inputCount: node.inputs.count, outputs: node.outputs.map { !$0.isEmpty },
      subgraphs: subgraphs)
    let operation = try description.make(reader)
    inputs += subgraphs.captured.map { $0 }
    return Graph.Node(
      name: UnsupportedOperators.name(node, index), operation: operation, inputs: inputs,
      outputs: node.outputs.map { values[$0] }, signature: NodeSignature.text(node, opset: reader.opset))
  }

  private func place(_ node: DecodedNode, _ index: Int) -> String {
    "node '\(UnsupportedOperators.name(node, index))' (\(node.type))"
  }
}

/// Makes the subgraphs of one node, and collects what they take from around.
final class SubgraphReader {
  private let model: DecodedModel
  private let scope: GraphScope
  private let inputCount: Int
  private(set) var captured: [ValueID] = []

  init(_ model: DecodedModel, _ scope: GraphScope, inputCount: Int) {
    self.model = model
    self.scope = scope
    self.inputCount = inputCount
  }

  func subgraph(_ graph: DecodedGraph) throws -> Subgraph {
    let inner = GraphScope(model, outer: scope)
    let built = try inner.build(graph, inputsAreTyped: false)
    let captures = inner.captures.map { own, theirs -> (value: ValueID, input: Int) in
      if let known = captured.firstIndex(of: theirs) { return (own, inputCount + known) }
      captured.append(theirs)
      return (own, inputCount + captured.count - 1)
    }
    return Subgraph(graph: built, formals: inner.formals, captures: captures)
  }
}

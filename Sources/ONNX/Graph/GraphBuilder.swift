import Tensors

/// Checks a decoded model and makes a `Graph` of it. Refused: a name defined twice, an input that
/// nothing defines, a cycle, an opset out of range, and operators that are not supported, of which all
/// are told at once.
public struct GraphBuilder {
  private let model: DecodedModel
  private let limits: Limits
  private var valueNames: [String] = []
  private var values: [String: ValueID] = [:]
  private var constants: [ValueID: Constant] = [:]

  public static func graph(of model: DecodedModel, limits: Limits = Limits()) throws -> Graph {
    try at(model.path) {
      var builder = GraphBuilder(model: model, limits: limits)
      return try builder.build()
    }
  }

  private init(model: DecodedModel, limits: Limits) {
    self.model = model
    self.limits = limits
  }

  private mutating func build() throws -> Graph {
    let opset = try checkedOpset()
    try refuseUnsupported(opset)
    for tensor in model.graph.initializers {
      constants[try define(tensor.name, "initializer")] = tensor.constant
    }
    var inputs: [Graph.Input] = []
    for input in model.graph.inputs {
      // Before IR version 4 an initializer stood among the inputs too.
      if let value = values[input.name], constants[value] != nil { continue }
      inputs.append(try graphInput(input))
    }
    for (index, node) in model.graph.nodes.enumerated() {
      for output in node.outputs where !output.isEmpty { _ = try define(output, place(node, index)) }
    }
    let nodes = try model.graph.nodes.enumerated().map { index, node in
      try at(place(node, index)) { try resolved(node, index, opset) }
    }
    guard !model.graph.outputs.isEmpty else { throw ONNXError(.invalid, "the graph has no outputs") }
    let outputs = try model.graph.outputs.map { try graphOutput($0) }
    return Graph(
      path: model.path, metadata: model.metadata, opsets: model.opsets, valueNames: valueNames,
      inputs: inputs, outputs: outputs, constants: constants,
      nodes: try NodeOrder.sorted(nodes, valueCount: valueNames.count))
  }

  /// The opset of the default domain.
  private func checkedOpset() throws -> Int {
    // A model of operators of other domains alone need not import the default one.
    let opset = model.opsets[""] ?? OperatorRegistry.newestOpset
    guard (OperatorRegistry.oldestOpset...OperatorRegistry.newestOpset).contains(opset) else {
      throw ONNXError(
        .unsupported,
        "the model uses opset \(opset); \(OperatorRegistry.oldestOpset) to \(OperatorRegistry.newestOpset) are supported"
      )
    }
    return opset
  }

  private func refuseUnsupported(_ opset: Int) throws {
    var message = UnsupportedOperators(limit: limits.listed)
    for (index, node) in model.graph.nodes.enumerated()
    where OperatorRegistry.operator(node.type, domain: node.domain) == nil {
      let version = model.opsets[node.domain] ?? 0
      message.add(
        node.type, node.domain, opset: node.domain.isEmpty ? opset : version, node: name(node, index))
    }
    if let error = message.error { throw error }
  }

  private mutating func define(_ name: String, _ what: String) throws -> ValueID {
    guard !name.isEmpty else { throw ONNXError(.invalid, "\(what) defines a value without a name") }
    guard values[name] == nil else {
      throw ONNXError(.invalid, "\(what) defines '\(name)', which is defined already")
    }
    valueNames.append(name)
    values[name] = valueNames.count - 1
    return valueNames.count - 1
  }

  private mutating func graphInput(_ input: DecodedValue) throws -> Graph.Input {
    let value = try define(input.name, "graph input")
    switch input.type {
    case .tensor(let datatype, let dimensions?):
      return Graph.Input(value: value, datatype: datatype, dimensions: dimensions)
    case .tensor(_, nil): throw ONNXError(.unsupported, "input '\(input.name)' has no shape, not even a rank")
    case .other(let kind):
      throw ONNXError(.unsupported, "input '\(input.name)' is \(kind); only tensors are supported")
    case nil: throw ONNXError(.invalid, "input '\(input.name)' has no type")
    }
  }

  private func graphOutput(_ output: DecodedValue) throws -> ValueID {
    guard let value = values[output.name] else {
      throw ONNXError(.invalid, "graph output '\(output.name)' is defined by nothing")
    }
    return value
  }

  private func resolved(_ node: DecodedNode, _ index: Int, _ opset: Int) throws -> Graph.Node {
    guard let description = OperatorRegistry.operator(node.type, domain: node.domain) else {
      throw ONNXError(.unsupported, "operator \(node.type) is not supported")
    }
    let inputs = try node.inputs.map { name -> ValueID? in
      if name.isEmpty { return nil }
      guard let value = values[name] else {
        throw ONNXError(.invalid, "input '\(name)' is defined by nothing")
      }
      return value
    }
    try description.checkCounts(inputs: node.inputs.count, outputs: node.outputs.count)
    let reader = NodeReader(
      type: node.type, opset: opset, attributes: node.attributes, inputCount: node.inputs.count,
      outputs: node.outputs.map { !$0.isEmpty })
    return Graph.Node(
      name: name(node, index), operation: try description.make(reader), inputs: inputs,
      outputs: node.outputs.map { values[$0] })
  }

  private func name(_ node: DecodedNode, _ index: Int) -> String {
    node.name.isEmpty ? "#\(index)" : node.name
  }

  private func place(_ node: DecodedNode, _ index: Int) -> String {
    "node '\(name(node, index))' (\(node.type))"
  }
}

/// Collects unsupported operators into one message: each kind once, with its nodes counted.
struct UnsupportedOperators {
  private struct Kind {
    var label: String
    var firstNode: String
    var count: Int
  }

  let limit: Int
  private var kinds: [Kind] = []
  private var places: [String: Int] = [:]
  private var nodeCount = 0

  init(limit: Int) { self.limit = limit }

  mutating func add(_ type: String, _ domain: String, opset: Int, node: String) {
    nodeCount += 1
    let label = "\(type) (domain \(domain.isEmpty ? "ai.onnx" : domain), opset \(opset))"
    if let place = places[label] {
      kinds[place].count += 1
    } else {
      places[label] = kinds.count
      kinds.append(Kind(label: label, firstNode: node, count: 1))
    }
  }

  var error: ONNXError? {
    if kinds.isEmpty { return nil }
    let list = kinds.prefix(limit).map { kind in
      kind.count == 1
        ? "\(kind.label) at node '\(kind.firstNode)'"
        : "\(kind.label) at \(kind.count) nodes, first '\(kind.firstNode)'"
    }
    let more = kinds.count > limit ? "; and \(kinds.count - limit) more" : ""
    return ONNXError(
      .unsupported,
      "\(kinds.count) unsupported operator\(kinds.count == 1 ? "" : "s") at \(nodeCount) node\(nodeCount == 1 ? "" : "s"): "
        + list.joined(separator: "; ") + more)
  }
}

/// Brings nodes into an order in which each comes after those it needs.
enum NodeOrder {
  static func sorted(_ nodes: [Graph.Node], valueCount: Int) throws -> [Graph.Node] {
    var producer = [Int](repeating: -1, count: valueCount)
    for (index, node) in nodes.enumerated() {
      for case let output? in node.outputs { producer[output] = index }
    }
    var missing = [Int](repeating: 0, count: nodes.count)
    var users = [[Int]](repeating: [], count: nodes.count)
    for (index, node) in nodes.enumerated() {
      for case let input? in node.inputs where producer[input] >= 0 {
        missing[index] += 1
        users[producer[input]].append(index)
      }
    }
    var order = nodes.indices.filter { missing[$0] == 0 }
    var next = 0
    while next < order.count {
      for user in users[order[next]] {
        missing[user] -= 1
        if missing[user] == 0 { order.append(user) }
      }
      next += 1
    }
    if order.count < nodes.count {
      let stuck = nodes.indices.filter { missing[$0] > 0 }.prefix(3).map { nodes[$0].place }
      throw ONNXError(.invalid, "the graph has a cycle through \(stuck.joined(separator: ", "))")
    }
    // Files are nearly always in order already; theirs is then kept.
    let isOrdered = nodes.enumerated().allSatisfy { index, node in
      node.inputs.allSatisfy { $0.map { producer[$0] < index } ?? true }
    }
    return isOrdered ? nodes : order.map { nodes[$0] }
  }
}

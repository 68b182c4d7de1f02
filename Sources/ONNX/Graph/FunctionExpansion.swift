/// Puts the nodes of a model's own functions where the functions are used, down to those that use none, and
/// those that an operator is spelled with where the operator stands.
struct FunctionExpansion {
  private let model: DecodedModel
  private let limits: Limits
  private var nodeCount = 0
  private var callCount = 0

  static func expanded(_ model: DecodedModel, limits: Limits) throws -> DecodedModel {
    var expansion = FunctionExpansion(model: model, limits: limits)
    var result = model
    result.graph = try expansion.expanded(model.graph, depth: 0, opsets: nil)
    return result
  }

  private init(model: DecodedModel, limits: Limits) {
    self.model = model
    self.limits = limits
  }

  private mutating func expanded(_ graph: DecodedGraph, depth: Int, opsets: [String: Int]?) throws
    -> DecodedGraph
  {
    var result = graph
    result.nodes = []
    for var node in graph.nodes {
      node.opsets = node.opsets ?? opsets
      if let function = function(node) {
        result.nodes += try at("function \(node.type)") { try call(function, node, depth: depth + 1) }
      } else if let spelling = OperatorRegistry.expansion(node.type, domain: node.domain) {
        let place = "node '\(UnsupportedOperators.name(node, result.nodes.count))' (\(node.type))"
        callCount += 1
        let prefix = "\(node.type)#\(callCount)/"
        let nodes = try at(place) { try spelling.nodes(for: node, prefix: prefix, model: model) }
        nodeCount += nodes.count
        result.nodes += nodes
      } else {
        for (name, attribute) in node.attributes {
          guard case .graph(let inner) = attribute else { continue }
          node.attributes[name] = .graph(try expanded(inner, depth: depth, opsets: opsets))
        }
        result.nodes.append(node)
      }
      nodeCount += 1
      guard nodeCount <= limits.nodes else {
        throw ONNXError(.limit, "more than \(limits.nodes) nodes once functions are expanded")
      }
    }
    return result
  }

  private func function(_ node: DecodedNode) -> DecodedFunction? {
    if model.functions.isEmpty { return nil }
    return model.functions[FunctionKey(domain: node.domain, name: node.type, overload: node.overload)]
  }

  /// The nodes of `function` with the names and attributes of the node that calls it.
  private mutating func call(_ function: DecodedFunction, _ node: DecodedNode, depth: Int) throws
    -> [DecodedNode]
  {
    guard depth <= limits.nesting else {
      throw ONNXError(.limit, "functions nested more than \(limits.nesting) deep")
    }
    callCount += 1
    var names: [String: String] = ["": ""]
    for (place, name) in function.inputs.enumerated() {
      names[name] = place < node.inputs.count ? node.inputs[place] : ""
    }
    for (place, name) in function.outputs.enumerated() where place < node.outputs.count {
      if !node.outputs[place].isEmpty { names[name] = node.outputs[place] }
    }
    let naming = Naming(
      names: names, prefix: "\(node.type)#\(callCount)/",
      attributes: function.defaults.merging(node.attributes) { $1 })
    let body = naming.applied(to: function.graph)
    return try expanded(body, depth: depth, opsets: function.opsets).nodes
  }

  /// New names for what a function defines, and values for the attributes it refers to.
  private struct Naming {
    let names: [String: String]
    let prefix: String
    let attributes: [String: Attribute]

    func name(_ name: String) -> String { names[name] ?? prefix + name }

    func applied(to graph: DecodedGraph) -> DecodedGraph {
      var result = graph
      for index in graph.nodes.indices {
        var node = graph.nodes[index]
        node.inputs = node.inputs.map(name)
        node.outputs = node.outputs.map(name)
        for (key, attribute) in node.attributes {
          switch attribute {
          case .reference(let source): node.attributes[key] = attributes[source]
          case .graph(let inner): node.attributes[key] = .graph(applied(to: inner))
          default: break
          }
        }
        result.nodes[index] = node
      }
      result.inputs = graph.inputs.map { renamed($0) }
      result.outputs = graph.outputs.map { renamed($0) }
      result.initializers = graph.initializers.map {
        DecodedTensor(name: name($0.name), constant: $0.constant)
      }
      return result
    }

    private func renamed(_ value: DecodedValue) -> DecodedValue {
      var value = value
      value.name = name(value.name)
      return value
    }
  }
}

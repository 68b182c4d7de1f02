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

  private mutating func add(_ type: String, _ domain: String, opset: Int, node: String) {
    nodeCount += 1
    let label = "\(type) (domain \(domain.isEmpty ? "ai.onnx" : domain), opset \(opset))"
    if let place = places[label] {
      kinds[place].count += 1
    } else {
      places[label] = kinds.count
      kinds.append(Kind(label: label, firstNode: node, count: 1))
    }
  }

  /// Adds the unsupported operators of a graph and of the graphs within it.
  mutating func add(_ graph: DecodedGraph, _ opsets: [String: Int]) {
    for (index, node) in graph.nodes.enumerated() {
      if OperatorRegistry.operator(node.type, domain: node.domain) == nil {
        let version = (node.opsets ?? opsets)[node.domain] ?? OperatorRegistry.newestOpset(node.domain)
        add(node.type, node.domain, opset: version, node: UnsupportedOperators.name(node, index))
      }
      for case .graph(let inner) in node.attributes.values { add(inner, opsets) }
    }
  }

  /// How messages call a node: by its name, or by its place.
  static func name(_ node: DecodedNode, _ index: Int) -> String {
    node.name.isEmpty ? "#\(index)" : node.name
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

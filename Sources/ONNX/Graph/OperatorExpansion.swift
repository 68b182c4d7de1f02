/// An operator that is spelled with others: their nodes stand where it does, as those of a function do.
struct OperatorExpansion: Sendable {
  let type: String
  /// The domain; the empty word for the default one.
  let domain: String
  let inputs: ClosedRange<Int>
  let outputs: ClosedRange<Int>
  /// What of the operator is supported.
  let support: String
  let write: @Sendable (inout ExpansionWriter) throws -> Void

  init(
    _ type: String, domain: String = "com.microsoft", inputs: ClosedRange<Int>,
    outputs: ClosedRange<Int> = 1...1, support: String,
    write: @escaping @Sendable (inout ExpansionWriter) throws -> Void
  ) {
    self.type = type
    self.domain = domain
    self.inputs = inputs
    self.outputs = outputs
    self.support = support
    self.write = write
  }

  /// The nodes that stand for `node`; `prefix` stands nowhere else in the model.
  func nodes(for node: DecodedNode, prefix: String, model: DecodedModel) throws -> [DecodedNode] {
    guard inputs.contains(node.inputs.count), outputs.contains(node.outputs.count) else {
      throw ONNXError(
        .invalid,
        "\(node.inputs.count) inputs and \(node.outputs.count) outputs; expected \(inputs) and \(outputs)")
    }
    var writer = ExpansionWriter(node, prefix: prefix, model: model)
    try write(&writer)
    return writer.finished
  }
}

/// Writes the nodes that an operator stands for.
struct ExpansionWriter {
  /// The opset of the nodes that are written.
  static let opset = 23
  /// The domain of operators that only expansions write.
  static let ownDomain = "swerve"

  let node: DecodedNode
  let reader: NodeReader
  private let prefix: String
  private var nodes: [DecodedNode] = []
  private var results: [String: String] = [:]

  init(_ node: DecodedNode, prefix: String, model: DecodedModel) {
    self.node = node
    self.prefix = prefix
    reader = NodeReader(
      type: node.type, domain: node.domain, opset: 1, attributes: node.attributes,
      inputCount: node.inputs.count, outputs: node.outputs.map { !$0.isEmpty },
      subgraphs: SubgraphReader(
        model, GraphScope(model, outer: nil), inputCount: node.inputs.count))
  }

  /// The name of the value of an input; nil where it is left out.
  func optional(_ index: Int) -> String? {
    index < node.inputs.count && !node.inputs[index].isEmpty ? node.inputs[index] : nil
  }

  func input(_ index: Int) throws -> String {
    guard let name = optional(index) else { throw ONNXError(.invalid, "input \(index) is missing") }
    return name
  }

  func wants(_ output: Int) -> Bool { output < node.outputs.count && !node.outputs[output].isEmpty }

  /// Throws where somebody asks for an output that is not computed.
  func refuse(output: Int, _ what: String) throws {
    if wants(output) { throw ONNXError(.unsupported, "output \(output), \(what)") }
  }

  /// Writes a node and gives the names of its outputs. An input without a name is left out.
  mutating func add(
    _ type: String, _ inputs: [String?], _ attributes: [String: Attribute] = [:], outputs: Int,
    domain: String = "", opset: Int = ExpansionWriter.opset
  ) -> [String] {
    var written = DecodedNode()
    let place = "\(prefix)\(nodes.count)"
    written.name = node.name.isEmpty ? "\(prefix)\(type)" : "\(node.name)/\(type)"
    written.type = type
    written.domain = domain
    var names = inputs.map { $0 ?? "" }
    while names.last == "" { names.removeLast() }
    written.inputs = names
    written.outputs = (0..<outputs).map { "\(place).\($0)" }
    written.attributes = attributes
    written.opsets = ["": opset]
    nodes.append(written)
    return written.outputs
  }

  mutating func add(
    _ type: String, _ inputs: [String?], _ attributes: [String: Attribute] = [:], domain: String = "",
    opset: Int = ExpansionWriter.opset
  ) -> String {
    add(type, inputs, attributes, outputs: 1, domain: domain, opset: opset)[0]
  }

  /// A list of INT64.
  mutating func list(_ values: [Int]) -> String { add("Constant", [], ["value_ints": .ints(values)]) }

  /// A number of the datatype of `like`.
  mutating func number(_ value: Float, like: String) -> String {
    let constant: String = add("Constant", [], ["value_float": .float(value)])
    return add("CastLike", [constant, like])
  }

  /// `value` is the first output.
  mutating func give(_ value: String) { give(0, value) }

  /// `value` is the output at that place.
  mutating func give(_ place: Int, _ value: String) {
    guard wants(place) else { return }
    if results[value] == nil, nodes.contains(where: { $0.outputs.contains(value) }) {
      results[value] = node.outputs[place]
    } else {
      _ = add("Identity", [value])
      results[nodes[nodes.count - 1].outputs[0]] = node.outputs[place]
    }
  }

  fileprivate var finished: [DecodedNode] {
    nodes.map { node in
      var node = node
      node.inputs = node.inputs.map { results[$0] ?? $0 }
      node.outputs = node.outputs.map { results[$0] ?? $0 }
      return node
    }
  }
}

public import Tensors

/// What a model has become after each stage, as text: a line a node.
public enum StageReport {
  public enum Stage: String, Sendable, CaseIterable {
    case decoded
    case graph
    case inferred
    case simplified
    case plan
  }

  /// Runs the stages up to `stage` over the model file at `path`.
  ///
  /// - Parameter shapes: of the inputs by name, which a plan needs; an input that is missing has the shape
  ///   that the model declares, with 1 for what that leaves open.
  public static func text(
    path: String, stage: Stage, options: SessionOptions, shapes: [String: Shape] = [:]
  ) throws -> String {
    let limits = options.engine.limits
    let decoded = try ModelDecoder.decode(path: path, limits: limits)
    if stage == .decoded { return text(of: decoded) }
    let graph = try GraphBuilder.graph(of: decoded, limits: limits)
    if stage == .graph { return GraphText(graph, facts: []).text }
    let inferred = try ShapeInference.infer(graph, options.engine)
    if stage == .inferred {
      let notes = [
        "batchable: \(inferred.isBatchable)",
        "planned: \(inferred.isOpen ? "no, it runs node by node" : "yes")",
      ]
      return GraphText(inferred.graph, facts: inferred.facts).text + notes.map { "# \($0)\n" }.joined()
    }
    if stage == .plan {
      let session = try Session(inferred, options: options)
      return try session.planText(session.inputs.map { shapes[$0.name] ?? $0.shape.withOnes })
    }
    let simplified = try Simplification.simplified(inferred, options.engine, passes: options.passes)
    return GraphText(simplified.graph, facts: inferred.facts).text
  }

  private static func text(of model: DecodedModel) -> String {
    var lines = ["# ir_version \(model.irVersion), producer '\(model.producer)'"]
    lines += model.opsets.sorted { $0.key < $1.key }.map { "# opset '\($0.key)' \($0.value)" }
    lines += model.graph.initializers.map {
      "initializer \($0.name): \($0.constant.datatype.name)\($0.constant.shape)"
    }
    lines += model.graph.inputs.map { "input \($0.name)" }
    for node in model.graph.nodes {
      let type = node.domain.isEmpty ? node.type : "\(node.domain).\(node.type)"
      let attributes = node.attributes.keys.sorted().joined(separator: ", ")
      lines.append(
        "\(node.outputs.joined(separator: ", ")) = \(type)(\(node.inputs.joined(separator: ", ")))"
          + (attributes.isEmpty ? "" : " {\(attributes)}"))
    }
    lines += model.graph.outputs.map { "output \($0.name)" }
    return lines.joined(separator: "\n") + "\n"
  }
}

/// A graph as text.
private struct GraphText {
  private let graph: Graph
  private let facts: [TensorFact?]

  init(_ graph: Graph, facts: [TensorFact?]) {
    self.graph = graph
    self.facts = facts
  }

  var text: String {
    var lines = graph.inputs.map { "input \(described($0.value))" }
    let constants = graph.constants.values
    lines.append("# \(constants.count) constants of \(constants.reduce(0) { $0 + $1.bytes.count }) bytes")
    for node in graph.nodes {
      let outputs = node.outputs.map { $0.map(described) ?? "" }.joined(separator: ", ")
      let inputs = node.inputs.map { $0.map(name) ?? "" }.joined(separator: ", ")
      lines.append("\(outputs) = \(node.operation.name)(\(inputs))")
    }
    lines += graph.outputs.map { "output \(described($0))" }
    return lines.joined(separator: "\n") + "\n"
  }

  private func name(_ value: ValueID) -> String {
    let name = graph.valueNames[value]
    guard let constant = graph.constants[value] else { return name }
    return "\(name): constant \(constant.datatype.name)\(constant.shape)"
  }

  private func described(_ value: ValueID) -> String {
    guard value < facts.count, let fact = facts[value] else { return graph.valueNames[value] }
    return "\(graph.valueNames[value]): \(fact.datatype.name)\(fact.shapeText)"
  }
}

extension Shape {
  /// The shape with 1 for every size that is open.
  var withOnes: Shape { Shape(map { $0 < 0 ? 1 : $0 }) }
}

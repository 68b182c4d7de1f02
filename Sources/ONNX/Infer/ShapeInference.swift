public import Kernels
import Tensors

/// What the stages after the graph work with.
public struct Engine: Sendable {
  public var kernels: KernelTable
  public var team: ThreadTeam
  public var limits: Limits

  public init(kernels: KernelTable, team: ThreadTeam = .single, limits: Limits = Limits()) {
    self.kernels = kernels
    self.team = team
    self.limits = limits
  }
}

/// The third stage: a graph and what is known of each of its values.
public struct InferredGraph: Sendable {
  public var graph: Graph
  /// By value; nil for a value that no node, input or constant defines.
  public var facts: [TensorFact?]
  /// Inputs, by place, on whose elements the shapes of other values depend.
  public var shapeInputs: [Int]
  /// Whether rows that different requests bring may be stacked along dimension 0 of all inputs, and the
  /// outputs cut the same way: proven by the row rules of the operators.
  public var isBatchable: Bool

  func fact(_ value: ValueID) -> TensorFact? { facts[value] }
}

/// Runs the shape rules over a graph, once with the dimensions that the model declares, and once for each
/// set of shapes that comes.
public struct ShapeInference {
  private let graph: Graph
  private let engine: Engine
  private var facts: [TensorFact?]
  private var needed: [ValueID: Int] = [:]
  private let symbols = SymbolSource()

  private init(_ graph: Graph, _ engine: Engine) {
    self.graph = graph
    self.engine = engine
    facts = [TensorFact?](repeating: nil, count: graph.valueNames.count)
    for (value, constant) in graph.constants { facts[value] = TensorFact(constant) }
  }

  /// Infers with the shapes that the model declares.
  public static func infer(_ graph: Graph, _ engine: Engine) throws -> InferredGraph {
    try at(graph.path) {
      var inference = ShapeInference(graph, engine)
      let batchAxis = BatchAxis(graph)
      inference.setDeclaredInputs(batchAxis)
      try inference.run()
      let shapeInputs = try inference.shapeInputs()
      let outputsKeepRows = graph.outputs.allSatisfy { output in
        guard let fact = inference.facts[output] else { return false }
        return fact.rows == .axis(0) && fact.dimensions.first == Dimension(.batch)
      }
      return InferredGraph(
        graph: graph, facts: inference.facts, shapeInputs: shapeInputs,
        isBatchable: batchAxis.isBatch && shapeInputs.isEmpty && outputsKeepRows)
    }
  }

  /// Infers for inputs of these shapes; `contents` are the elements of the shape inputs, by place.
  static func infer(
    _ graph: Graph, _ engine: Engine, inputs: [Shape], contents: [Int: Constant]
  ) throws -> [TensorFact?] {
    var inference = ShapeInference(graph, engine)
    for (index, input) in graph.inputs.enumerated() {
      var fact = TensorFact(input.datatype, inputs[index].map { Dimension($0) })
      fact.constant = contents[index]
      inference.facts[input.value] = fact
    }
    try inference.run()
    return inference.facts
  }

  private mutating func setDeclaredInputs(_ batchAxis: BatchAxis) {
    var named: [String: Dimension] = [:]
    for input in graph.inputs {
      let dimensions = input.dimensions.enumerated().map { axis, declared -> Dimension in
        if axis == 0 && batchAxis.isBatch { return Dimension(.batch) }
        switch declared {
        case .known(let size): return Dimension(size)
        case .open: return symbols.fresh()
        case .named(let name):
          let dimension = named[name] ?? symbols.fresh()
          named[name] = dimension
          return dimension
        }
      }
      facts[input.value] = TensorFact(
        input.datatype, dimensions, rows: batchAxis.isBatch ? .axis(0) : .mixed)
    }
  }

  private mutating func run() throws {
    for (index, node) in graph.nodes.enumerated() { try at(node.place) { try infer(node, index) } }
  }

  private mutating func infer(_ node: Graph.Node, _ index: Int) throws {
    let inputs = try node.inputs.map { value -> TensorFact? in
      guard let value else { return nil }
      guard let fact = facts[value] else {
        throw ONNXError(
          .invalid, "input '\(graph.valueNames[value])' is an optional output that its node does not give")
      }
      return fact
    }
    let rule = NodeFacts(inputs: inputs, outputCount: node.outputs.count, symbols: symbols)
    var results = try node.operation.infer(rule)
    for input in rule.missingContents {
      if let value = node.inputs[input] { needed[value] = needed[value] ?? index }
    }
    for place in results.indices { try results[place].settleElements() }
    try ConstantEvaluation.evaluate(node, inputs, &results, engine)
    for (place, output) in node.outputs.enumerated() {
      guard let output else { continue }
      guard place < results.count else {
        throw ONNXError(.unsupported, "output \(place) is not supported")
      }
      facts[output] = results[place]
    }
  }

  /// The graph's inputs whose elements a shape rule needs. Throws when they are no small lists.
  private func shapeInputs() throws -> [Int] {
    let producers = graph.producers()
    var found: Set<Int> = []
    var seen: Set<ValueID> = []
    for (value, user) in needed {
      var open = [value]
      while let next = open.popLast() {
        guard seen.insert(next).inserted else { continue }
        if let place = graph.inputs.firstIndex(where: { $0.value == next }) {
          guard isSmall(graph.inputs[place]) else {
            throw ONNXError(
              .unsupported,
              "\(graph.nodes[user].place): its output's shape depends on the elements of input '\(graph.valueNames[next])', which is no small list"
            )
          }
          found.insert(place)
        } else if let producer = producers[next], graph.nodes[producer].operation.readsElements {
          open.append(contentsOf: graph.nodes[producer].inputs.compactMap(\.self))
        }
      }
    }
    return found.sorted()
  }

  private func isSmall(_ input: Graph.Input) -> Bool { input.dimensions.count <= 1 }
}

extension TensorFact {
  /// Makes elements that have all become known a constant.
  fileprivate mutating func settleElements() throws {
    guard constant == nil, let elements, datatype == .int64 || datatype == .int32, let shape,
      shape.elementCount == elements.count
    else { return }
    let known = elements.compactMap(\.known)
    guard known.count == elements.count else { return }
    if datatype == .int64 {
      constant = try Constant.make(integers: known, shape: shape)
    } else {
      constant = try Constant.make(.int32, shape) { memory in
        for (index, value) in known.enumerated() {
          memory.storeBytes(of: Int32(truncatingIfNeeded: value), toByteOffset: index * 4, as: Int32.self)
        }
      }
    }
  }
}

/// Whether dimension 0 of a graph's inputs can be a batch: all leave it open, under one name that
/// stands nowhere else. One input may leave it without a name.
struct BatchAxis {
  let isBatch: Bool

  init(_ graph: Graph) {
    let first = graph.inputs.map { $0.dimensions.first }
    let others = graph.inputs.flatMap { $0.dimensions.dropFirst() }
    switch first.first {
    case .some(.some(.open)): isBatch = graph.inputs.count == 1
    case .some(.some(.named(let name))):
      isBatch = first.allSatisfy { $0 == .named(name) } && !others.contains(.named(name))
    default: isBatch = false
    }
  }
}

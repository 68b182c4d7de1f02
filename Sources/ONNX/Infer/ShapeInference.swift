public import Kernels
import Tensors

/// What the stages after the graph work with.
public struct Engine: Sendable {
  public var kernels: KernelTable
  public var team: ThreadTeam
  public var limits: Limits
  public var precision: Precision

  public init(
    kernels: KernelTable, team: ThreadTeam = .single, limits: Limits = Limits(), precision: Precision = .fp32
  ) {
    self.kernels = kernels
    self.team = team
    self.limits = limits
    self.precision = precision
  }
}

/// What the engine may round FP32 values to.
public enum Precision: String, Sendable, CaseIterable {
  /// Nothing.
  case fp32
  /// Constant weights of products and, on machines that multiply such, what they are multiplied with, to
  /// BF16; sums stay FP32.
  case bf16
}

/// The third stage: a graph and what is known of each of its values.
public struct InferredGraph: Sendable {
  public var graph: Graph
  /// By value; nil for a value of which nothing is known before a run.
  public var facts: [TensorFact?]
  /// Inputs, by place, on whose elements the shapes of other values depend.
  public var shapeInputs: [Int]
  /// Whether rows that different requests bring may be stacked along dimension 0 of all inputs, and the
  /// outputs cut the same way: proven by the row rules of the operators.
  public var isBatchable: Bool
  /// Whether the inputs' shapes and small lists do not tell all shapes, so that the graph runs node by
  /// node.
  public var isOpen: Bool

  func fact(_ value: ValueID) -> TensorFact? { value < facts.count ? facts[value] : nil }
}

/// Runs the shape rules over a graph, once with the dimensions that the model declares, and once for each
/// set of shapes that comes.
public struct ShapeInference {
  private var graph: Graph
  private let engine: Engine
  private var facts: [TensorFact?]
  private var needed: [ValueID: Int] = [:]
  private var isOpen = false
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
      let shapeInputs = inference.isOpen ? nil : inference.shapeInputs()
      let outputsKeepRows = graph.outputs.allSatisfy { output in
        guard let fact = inference.facts[output] else { return false }
        return fact.rows == .axis(0) && fact.dimensions.first == Dimension(.batch)
      }
      return InferredGraph(
        graph: inference.graph, facts: inference.facts, shapeInputs: shapeInputs ?? [],
        isBatchable: batchAxis.isBatch && shapeInputs == [] && outputsKeepRows, isOpen: shapeInputs == nil)
    }
  }

  /// Infers a subgraph, of whose inputs only some may be known.
  static func infer(_ graph: Graph, _ engine: Engine, known: [ValueID: TensorFact]) throws -> InferredGraph {
    var inference = ShapeInference(graph, engine)
    for (value, fact) in known {
      inference.facts[value] = fact
      if let constant = fact.constant { inference.graph.constants[value] = constant }
    }
    try inference.run()
    return InferredGraph(
      graph: inference.graph, facts: inference.facts, shapeInputs: [], isBatchable: false, isOpen: true)
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
    for index in graph.nodes.indices { try at(graph.nodes[index].place) { try infer(index) } }
  }

  private mutating func infer(_ index: Int) throws {
    let node = graph.nodes[index]
    let isKnown = node.inputs.allSatisfy { $0 == nil || $0.map { facts[$0] != nil } ?? false }
    guard isKnown else {
      // Nothing is known of the outputs where nothing is of an input.
      isOpen = true
      return
    }
    let inputs = node.inputs.map { $0.flatMap { facts[$0] } }
    if let constants = try ConstantEvaluation.evaluate(node, inputs, engine) {
      for (output, constant) in zip(node.outputs, constants) {
        if let output, let constant { facts[output] = TensorFact(constant) }
      }
      return
    }
    graph.nodes[index].operation = HalfPrecision.adapted(node.operation, inputs.map { $0?.datatype })
    let rule = NodeFacts(inputs: inputs, outputCount: node.outputs.count, symbols: symbols)
    let results: [TensorFact]
    do { results = try graph.nodes[index].operation.infer(rule) } catch is OpenShape {
      isOpen = true
      return
    }
    for input in rule.missingContents {
      if let value = node.inputs[input] { needed[value] = needed[value] ?? index }
    }
    try set(results, of: graph.nodes[index], inputs)
  }

  private mutating func set(_ results: [TensorFact], of node: Graph.Node, _ inputs: [TensorFact?]) throws {
    var results = results
    for place in results.indices { try results[place].settleElements() }
    try ConstantEvaluation.evaluate(node, inputs, &results, engine)
    // Texts that an evaluation makes have no place in a plan's memory.
    if node.operation is any Evaluation, results.contains(where: { $0.datatype == .bytes }) { isOpen = true }
    for (place, output) in node.outputs.enumerated() {
      guard let output else { continue }
      guard place < results.count else {
        throw ONNXError(.unsupported, "output \(place) is not supported")
      }
      facts[output] = results[place]
    }
  }

  /// The graph's inputs whose elements a shape rule needs; nil when they are no small lists.
  private func shapeInputs() -> [Int]? {
    let producers = graph.producers()
    var found: Set<Int> = []
    var seen: Set<ValueID> = []
    var open = Array(needed.keys)
    while let next = open.popLast() {
      guard seen.insert(next).inserted else { continue }
      if let place = graph.inputs.firstIndex(where: { $0.value == next }) {
        guard graph.inputs[place].dimensions.count <= 1, graph.inputs[place].datatype != .bytes else {
          return nil
        }
        found.insert(place)
      } else if let producer = producers[next], graph.nodes[producer].operation.readsElements {
        if graph.nodes[producer].operation.isRandom { return nil }
        open.append(contentsOf: graph.nodes[producer].inputs.compactMap(\.self))
      }
    }
    return found.sorted()
  }
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

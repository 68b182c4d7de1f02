import Tensors

/// A graph within a node: the branch of an If, the body of a Loop or Scan.
///
/// What it uses of the graphs around it are inputs of its own, behind those that it declares; the node
/// takes them as inputs too, behind its own.
struct Subgraph: Sendable {
  var graph: Graph
  /// The values of the inputs that the graph declares.
  let formals: [ValueID]
  /// Values that come from around, and which of the node's inputs they are.
  let captures: [(value: ValueID, input: Int)]
  /// Set once the graph is in its final form.
  private(set) var executor: GraphExecutor?

  init(graph: Graph, formals: [ValueID], captures: [(value: ValueID, input: Int)]) {
    self.graph = graph
    self.formals = formals
    self.captures = captures
  }

  var outputCount: Int { graph.outputs.count }

  /// The same subgraph inferred, simplified and ready to run, for a node with inputs of these facts.
  func prepared(_ inputs: [TensorFact?], _ engine: Engine) throws -> Subgraph {
    var known: [ValueID: TensorFact] = [:]
    for (value, input) in captures where input < inputs.count {
      if var fact = inputs[input] {
        fact.rows = fact.constant == nil ? .mixed : .shared
        known[value] = fact
      }
    }
    let inferred = try ShapeInference.infer(graph, engine, known: known)
    var result = self
    result.graph = try Simplification.simplified(inferred, engine).graph
    result.executor = try GraphExecutor(result.graph, inputs: formals + captures.map(\.value))
    return result
  }

  /// Runs the graph: `arguments` are those of its declared inputs, `node` the inputs of the node.
  func run(_ arguments: [Value?], node: EvaluationRequest) throws -> [Value?] {
    guard arguments.count == formals.count else {
      throw ONNXError(.invalid, "a subgraph of \(formals.count) inputs is given \(arguments.count)")
    }
    let executor = try executor ?? GraphExecutor(graph, inputs: formals + captures.map(\.value))
    return try executor.run(arguments + captures.map { node.inputs[$0.input] }, node.engine)
  }
}

/// An operation with graphs of its own.
protocol SubgraphHolder: Operation {
  /// The same operation with its graphs in their final form, for inputs of these facts.
  func prepared(_ inputs: [TensorFact?], _ engine: Engine) throws -> any Operation
}

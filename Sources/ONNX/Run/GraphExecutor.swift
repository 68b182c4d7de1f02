import Kernels
import Tensors

/// Runs a graph node by node, each value in memory of its own that is released behind its last use.
///
/// For graphs that cannot be planned before tensors come: shapes that depend on data, branches, loops,
/// sequences, texts. The steps of nodes are kept for the shapes that came last.
final class GraphExecutor: Sendable {
  private let graph: Graph
  private let inputs: [ValueID]
  private let nodes: [StepRunner?]
  private let constants: [ValueID: Tensor]
  /// The values that nobody needs once the node at that place has run.
  private let released: [[ValueID]]

  /// - Parameter inputs: the values that the arguments of a run stand for.
  init(_ graph: Graph, inputs: [ValueID]) throws {
    self.graph = graph
    self.inputs = inputs
    nodes = graph.nodes.map { $0.operation is any Evaluation ? nil : StepRunner($0) }
    constants = try graph.constants.mapValues { try $0.aligned().tensorView() }
    var last = [Int](repeating: -1, count: graph.valueNames.count)
    for (place, node) in graph.nodes.enumerated() {
      for case let value? in node.inputs + node.outputs { last[value] = place }
    }
    for output in graph.outputs { last[output] = -1 }
    var released = [[ValueID]](repeating: [], count: graph.nodes.count)
    for (value, place) in last.enumerated() where place >= 0 && graph.constants[value] == nil {
      released[place].append(value)
    }
    self.released = released
  }

  /// The values of the outputs. An argument is nil where the caller leaves an optional input out.
  func run(_ arguments: [Value?], _ engine: Engine, _ recorder: RunRecorder? = nil) throws -> [Value?] {
    var values = [Value?](repeating: nil, count: graph.valueNames.count)
    for (value, constant) in constants { values[value] = .tensor(constant) }
    for (value, argument) in zip(inputs, arguments) { values[value] = argument }
    for (place, node) in graph.nodes.enumerated() {
      do {
        let results = try recorded(node, recorder) { try run(node, place, values, engine) }
        for (output, result) in zip(node.outputs, results) {
          if let output, let result { values[output] = result }
        }
      } catch let error as ONNXError { throw error.at(node.place) } catch let error as OpenShape {
        throw error.refusal.at(node.place)
      }
      for value in released[place] { values[value] = nil }
    }
    return graph.outputs.map { values[$0] }
  }

  private func recorded(
    _ node: Graph.Node, _ recorder: RunRecorder?, _ body: () throws -> [Value?]
  ) throws -> [Value?] {
    guard let recorder else { return try body() }
    var results: [Value?] = []
    try recorder.record(StepDescription(node: node.name, operation: node.operation.name)) {
      results = try body()
    }
    return results
  }

  private func run(_ node: Graph.Node, _ place: Int, _ values: [Value?], _ engine: Engine) throws -> [Value?]
  {
    let inputs = node.inputs.map { $0.flatMap { values[$0] } }
    if let evaluation = node.operation as? any Evaluation {
      let request = EvaluationRequest(inputs: inputs, wanted: node.outputs.map { $0 != nil }, engine: engine)
      return try evaluation.evaluate(request)
    }
    guard let runner = nodes[place] else { return [] }
    let isConstant = node.inputs.map { $0.map { graph.constants[$0] != nil } ?? false }
    let tensors = try inputs.enumerated().map { try $1?.tensor("input \($0)") }
    return try runner.run(tensors, isConstant: isConstant, engine).map { $0.map { .tensor($0) } }
  }
}

extension Constant {
  /// The elements as a tensor that shares them. Precondition: they lie aligned.
  func tensorView() throws -> Tensor {
    if datatype == .bytes { return try tensor() }
    return Tensor(viewing: pointer, datatype, shape, owner: owner)
  }
}

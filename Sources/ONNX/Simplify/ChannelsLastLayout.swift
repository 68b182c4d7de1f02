import Kernels
import Tensors

/// Lets images lie channels-last, where convolutions are fastest, from one operator to the next, and
/// changes the layout only where an operator of the other kind begins.
///
/// Shapes stay those of the model: only the order of the elements in memory differs, which each operation
/// is told.
struct ChannelsLastLayout: SimplificationPass {
  let name = "channels-last layout"

  func apply(to inferred: inout InferredGraph, _ engine: Engine) throws {
    var layouts = Layouts(inferred)
    for node in inferred.graph.nodes { layouts.add(node) }
    inferred = layouts.finished()
  }
}

/// How a node computes on images whose channels lie innermost.
struct ChannelsLastForm {
  var operation: any Operation
  /// By place: the inputs that it reads channels-last; it reads the others as they are.
  var inputs: [Bool]
  /// The output is channels-last too.
  var writesChannelsLast = true
}

/// An operation that can compute on channels-last images.
protocol ChannelsLastCapable: Operation {
  /// Whether the operation gains from the layout, so that images are brought into it.
  var prefersChannelsLast: Bool { get }
  /// The same operation on channels-last images; nil if it cannot for inputs of these facts.
  func channelsLast(_ inputs: [TensorFact?]) -> ChannelsLastForm?
}

extension ChannelsLastCapable {
  var prefersChannelsLast: Bool { false }
}

/// A graph whose values are given layouts, node by node.
private struct Layouts {
  private var inferred: InferredGraph
  private var nodes: [Graph.Node] = []
  /// By value: the one that holds the same image channels-last.
  private var last: [ValueID: ValueID] = [:]
  /// Values that are defined channels-last only, so far.
  private var pending: Set<ValueID> = []

  init(_ inferred: InferredGraph) { self.inferred = inferred }

  mutating func add(_ node: Graph.Node) {
    var node = node
    if let form = form(node) {
      node.operation = form.operation
      for place in node.inputs.indices {
        guard let input = node.inputs[place] else { continue }
        let isLast = place < form.inputs.count && form.inputs[place]
        node.inputs[place] = isLast ? channelsLast(input) : channelsFirst(input)
      }
      if form.writesChannelsLast, let output = node.outputs[0] {
        node.outputs[0] = makeValue(like: output)
        last[output] = node.outputs[0]
        pending.insert(output)
      }
    } else {
      node.inputs = node.inputs.map { $0.map { channelsFirst($0) } }
    }
    nodes.append(node)
  }

  mutating func finished() -> InferredGraph {
    for output in inferred.graph.outputs { _ = channelsFirst(output) }
    inferred.graph.nodes = nodes
    return inferred
  }

  private func form(_ node: Graph.Node) -> ChannelsLastForm? {
    guard let operation = node.operation as? any ChannelsLastCapable,
      operation.prefersChannelsLast || node.inputs.contains(where: { $0.map(pending.contains) ?? false }),
      node.outputs.dropFirst().allSatisfy({ $0 == nil })
    else { return nil }
    return operation.channelsLast(node.inputs.map { $0.flatMap { inferred.fact($0) } })
  }

  private mutating func channelsLast(_ value: ValueID) -> ValueID {
    if let known = last[value] { return known }
    let changed = makeValue(like: value)
    nodes.append(change(.channelsLast, value, changed))
    last[value] = changed
    return changed
  }

  private mutating func channelsFirst(_ value: ValueID) -> ValueID {
    if let source = last[value], pending.remove(value) != nil {
      nodes.append(change(.channelsFirst, source, value))
    }
    return value
  }

  private func change(_ layout: ImageLayout, _ source: ValueID, _ target: ValueID) -> Graph.Node {
    Graph.Node(
      name: inferred.graph.valueNames[target], operation: LayoutChange(layout: layout), inputs: [source],
      outputs: [target])
  }

  private mutating func makeValue(like value: ValueID) -> ValueID {
    let new = inferred.graph.makeValue("\(inferred.graph.valueNames[value]) channels-last")
    while inferred.facts.count <= new { inferred.facts.append(nil) }
    inferred.facts[new] = inferred.facts[value]
    return new
  }
}

import Kernels
import Tensors

/// Makes a `Plan`: leaves out what is constant or unused, makes each node's step, and lays out memory
/// by lifetimes.
struct Planner {
  /// Where a value's bytes are.
  private enum Home: Equatable {
    case constant
    case input(Int)
    case output(Int)
    case arena
  }

  /// Values that share memory: a value, its views, and results computed in its place.
  private struct Buffer {
    var home: Home
    var bytes: Int
    var values: [ValueID]
    var first: Int
    var last: Int
  }

  private let graph: Graph
  private let facts: [TensorFact?]
  private let engine: Engine
  private var buffers: [Buffer] = []
  private var bufferOf: [Int]
  private var steps: [Plan.PlannedStep] = []
  private var scratchBytes = 0

  static func plan(
    _ graph: Graph, _ engine: Engine, inputs: [Shape], contents: [Int: Constant]
  ) throws -> Plan {
    let facts = try ShapeInference.infer(graph, engine, inputs: inputs, contents: contents)
    var planner = Planner(graph, facts, engine)
    return try planner.plan()
  }

  private init(_ graph: Graph, _ facts: [TensorFact?], _ engine: Engine) {
    self.graph = graph
    self.facts = facts
    self.engine = engine
    bufferOf = [Int](repeating: -1, count: graph.valueNames.count)
  }

  private mutating func plan() throws -> Plan {
    let live = liveNodes()
    let lastUse = lastUses(live)
    for (place, input) in graph.inputs.enumerated() {
      try addBuffer(input.value, .input(place), first: -1, last: .max)
    }
    for (position, index) in live.enumerated() { try addNode(graph.nodes[index], position, lastUse) }
    let outputs = try placeOutputs()
    return try finished(outputs)
  }

  /// The nodes that the outputs need and that are not known before the run, in order.
  private func liveNodes() -> [Int] {
    var isNeeded = [Bool](repeating: false, count: graph.valueNames.count)
    for output in graph.outputs { isNeeded[output] = true }
    var live: [Int] = []
    for index in graph.nodes.indices.reversed() {
      let node = graph.nodes[index]
      let isLive = node.outputs.contains { output in
        guard let output else { return false }
        return isNeeded[output] && facts[output]?.constant == nil
      }
      guard isLive else { continue }
      live.append(index)
      for case let input? in node.inputs { isNeeded[input] = true }
    }
    return live.reversed()
  }

  private func lastUses(_ live: [Int]) -> [Int] {
    var last = [Int](repeating: -1, count: graph.valueNames.count)
    for (position, index) in live.enumerated() {
      for case let input? in graph.nodes[index].inputs { last[input] = position }
    }
    for output in graph.outputs { last[output] = .max }
    return last
  }

  private mutating func addBuffer(_ value: ValueID, _ home: Home, first: Int, last: Int) throws {
    let operand = try operand(value)
    bufferOf[value] = buffers.count
    buffers.append(Buffer(home: home, bytes: operand.byteCount, values: [value], first: first, last: last))
  }

  private func operand(_ value: ValueID) throws -> Operand {
    guard let fact = facts[value] else {
      throw ONNXError(.invalid, "value '\(graph.valueNames[value])' is given by nothing")
    }
    return try Operand(slot: value, fact: fact, limits: engine.limits)
  }

  private mutating func addNode(_ node: Graph.Node, _ position: Int, _ lastUse: [Int]) throws {
    try at(node.place) {
      for case let input? in node.inputs where bufferOf[input] < 0 {
        try addBuffer(input, .constant, first: -1, last: .max)
      }
      let inputs = try node.inputs.map { try $0.map { try operand($0) } }
      let outputs = try node.outputs.map { try $0.map { try operand($0) } }
      let step = try node.operation.step(
        StepRequest(
          inputs: inputs, outputs: outputs, kernels: engine.kernels, team: engine.team,
          limits: engine.limits))
      scratchBytes = max(scratchBytes, step.scratchBytes)
      try placeOutputs(of: node, step, position, lastUse)
      if step.viewOfInput == nil {
        let bytes = (inputs + outputs).reduce(0) { $0 + ($1?.byteCount ?? 0) }
        let description = StepDescription(
          node: node.name, operation: node.operation.name, arithmetic: step.arithmetic, bytes: bytes)
        steps.append(Plan.PlannedStep(description: description, body: step.body))
      }
    }
  }

  private mutating func placeOutputs(
    of node: Graph.Node, _ step: Step, _ position: Int, _ lastUse: [Int]
  ) throws {
    for (place, output) in node.outputs.enumerated() {
      guard let output else { continue }
      let last = max(lastUse[output], position)
      if place == 0, let input = sharedInput(node, step, position), bufferOf[input] >= 0 {
        bufferOf[output] = bufferOf[input]
        buffers[bufferOf[input]].values.append(output)
        buffers[bufferOf[input]].last = max(buffers[bufferOf[input]].last, last)
      } else {
        try addBuffer(output, .arena, first: position, last: last)
      }
    }
    for case let input? in node.inputs where buffers[bufferOf[input]].home == .arena {
      let buffer = bufferOf[input]
      buffers[buffer].last = max(buffers[buffer].last, lastUse[input])
    }
  }

  /// The input whose memory the node's first output takes.
  private func sharedInput(_ node: Graph.Node, _ step: Step, _ position: Int) -> ValueID? {
    if let view = step.viewOfInput { return node.inputs[view] }
    guard let place = step.inPlaceInput, let input = node.inputs[place], let output = node.outputs[0] else {
      return nil
    }
    let buffer = buffers[bufferOf[input]]
    guard buffer.home == .arena, buffer.last <= position, let bytes = try? operand(output).byteCount,
      bytes == buffer.bytes
    else { return nil }
    return input
  }

  /// Lets each output be computed in the caller's memory where that is possible.
  private mutating func placeOutputs() throws -> [Plan.Output] {
    var outputs: [Plan.Output] = []
    for (place, value) in graph.outputs.enumerated() {
      if bufferOf[value] < 0 { try addBuffer(value, .constant, first: -1, last: .max) }
      let operand = try operand(value)
      let buffer = bufferOf[value]
      let isInPlace = buffers[buffer].home == .arena
      if isInPlace { buffers[buffer].home = .output(place) }
      outputs.append(
        Plan.Output(
          datatype: operand.datatype, shape: operand.shape, byteCount: operand.byteCount,
          slots: isInPlace ? buffers[buffer].values : [], copiedFrom: isInPlace ? nil : value))
    }
    return outputs
  }

  private func finished(_ outputs: [Plan.Output]) throws -> Plan {
    var constants: [(slot: Int, constant: Constant)] = []
    var inputs = [[Int]](repeating: [], count: graph.inputs.count)
    for buffer in buffers {
      switch buffer.home {
      case .constant:
        for value in buffer.values {
          guard let constant = facts[buffer.values[0]]?.constant else {
            throw ONNXError(.invalid, "value '\(graph.valueNames[value])' is given by nothing")
          }
          constants.append((value, try constant.aligned()))
        }
      case .input(let place): inputs[place] += buffer.values
      case .output, .arena: break
      }
    }
    let (arena, arenaBytes) = try layout()
    return Plan(
      steps: steps, slotCount: graph.valueNames.count, constants: constants, arena: arena, inputs: inputs,
      outputs: outputs, arenaBytes: arenaBytes, scratchBytes: scratchBytes)
  }

  private func layout() throws -> ([(slot: Int, offset: Int)], Int) {
    var arena = ArenaLayout()
    var places: [(slot: Int, offset: Int)] = []
    let inArena = buffers.indices.filter { buffers[$0].home == .arena }
    let byEnd = inArena.sorted { buffers[$0].last < buffers[$1].last }
    var offsets: [Int: Int] = [:]
    var ended = 0
    for index in inArena {
      let buffer = buffers[index]
      while ended < byEnd.count, buffers[byEnd[ended]].last < buffer.first {
        if let offset = offsets[byEnd[ended]] { arena.give(offset, buffers[byEnd[ended]].bytes) }
        ended += 1
      }
      guard let offset = arena.take(buffer.bytes), arena.byteCount <= engine.limits.arenaBytes else {
        throw ONNXError(
          .limit, "inputs of these shapes need more than \(engine.limits.arenaBytes) bytes of memory in a run"
        )
      }
      offsets[index] = offset
      for value in buffer.values { places.append((value, offset)) }
    }
    return (places, arena.byteCount)
  }
}

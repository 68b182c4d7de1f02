import Kernels
import Tensors

/// LSTM, GRU or RNN with constant weights, packed once.
///
/// Inputs: those of the operator, of which weights, biases and peepholes are no inputs any more.
struct PackedRecurrence: Operation {
  let name: String
  let recurrence: Recurrence
  /// One a direction.
  let layers: [RecurrentLayer]

  private var hidden: Int { layers[0].hiddenSize }
  private var hasCell: Bool {
    if case .lstm = layers[0].cell { return true }
    return false
  }

  func infer(_ node: NodeFacts) throws -> [TensorFact] {
    try recurrence.facts(node, hidden: Dimension(hidden), stateCount: hasCell ? 2 : 1)
  }

  func step(_ node: StepRequest) throws -> Step {
    let x = try node.input(0)
    let sizes = try Sizes(x.shape, recurrence, layers[0])
    let lengths = node.optional(4)
    let initial = [node.optional(5), hasCell ? node.optional(6) : nil]
    try check(sizes, lengths, initial)
    let outputs = (0..<3).map { place in place < node.outputs.count ? node.outputs[place] : nil }
    let room =
      layers.map { $0.scratchByteCount(steps: sizes.steps, batch: sizes.batch, team: node.team) }.max() ?? 0
    let stateBytes = (sizes.batch * hidden * 4 + 63) / 64 * 64
    let (layers, recurrence, hasCell) = (layers, recurrence, hasCell)
    return Step(scratchBytes: 2 * stateBytes + room, arithmetic: sizes.arithmetic(layers)) { memory in
      let states = (0..<2).map { (memory.scratch + $0 * stateBytes).assumingMemoryBound(to: Float.self) }
      let last = lengths.map { memory.elements($0, as: Int32.self) }
      if let last {
        for row in 0..<sizes.batch where last[row] < 0 || last[row] > sizes.steps {
          throw ONNXError(.argument, "a length of \(last[row]) of \(sizes.steps) steps")
        }
      }
      for (direction, layer) in layers.enumerated() {
        for place in 0..<2 { sizes.load(initial[place].map { memory.floats($0) }, direction, states[place]) }
        let isReversed = recurrence.direction == .reverse || direction == 1
        let input = RecurrentInput(
          memory.floats(x), steps: sizes.steps, batch: sizes.batch, lengths: last.map { UnsafePointer($0) },
          isBatchFirst: recurrence.isBatchFirst, isReversed: isReversed)
        let state = RecurrentState(
          hidden: states[0], cell: hasCell ? states[1] : nil,
          output: outputs[0].map { memory.floats($0) + sizes.outputOffset(direction) },
          outputStepStride: sizes.outputStepStride, outputBatchStride: sizes.outputBatchStride)
        layer.run(input, state, scratch: memory.scratch + 2 * stateBytes, team: memory.team)
        for place in 0..<2 {
          if let target = outputs[place + 1] { sizes.store(states[place], direction, memory.floats(target)) }
        }
      }
    }
  }

  private func check(_ sizes: Sizes, _ lengths: Operand?, _ initial: [Operand?]) throws {
    guard lengths.map({ $0.datatype == .int32 && $0.count == sizes.batch }) ?? true else {
      throw ONNXError(.invalid, "lengths for another batch than \(sizes.batch)")
    }
    for state in initial {
      guard state.map({ $0.count == sizes.directions * sizes.batch * hidden }) ?? true else {
        throw ONNXError(.invalid, "an initial state of another size")
      }
    }
  }

  /// The sizes of a run, and where in the outputs its states lie.
  private struct Sizes {
    let steps: Int
    let batch: Int
    let hidden: Int
    let directions: Int
    let isBatchFirst: Bool

    init(_ x: Shape, _ recurrence: Recurrence, _ layer: RecurrentLayer) throws {
      guard x.rank == 3, x[2] == layer.inputSize else {
        throw ONNXError(.invalid, "X of shape \(x), expected \(layer.inputSize) values a step")
      }
      isBatchFirst = recurrence.isBatchFirst
      (steps, batch) = isBatchFirst ? (x[1], x[0]) : (x[0], x[1])
      hidden = layer.hiddenSize
      directions = recurrence.directionCount
    }

    var outputStepStride: Int { directions * hidden * (isBatchFirst ? 1 : batch) }
    var outputBatchStride: Int { isBatchFirst ? steps * directions * hidden : hidden }

    func outputOffset(_ direction: Int) -> Int { direction * hidden * (isBatchFirst ? 1 : batch) }

    func arithmetic(_ layers: [RecurrentLayer]) -> Double {
      layers.reduce(0) { sum, layer in
        let width = Double(layer.cell.gateCount * hidden)
        return sum + 2 * Double(steps * batch) * width * Double(hidden + layer.inputSize)
      }
    }

    /// Where in the states of all directions a row of one begins.
    private func place(_ direction: Int, _ row: Int) -> Int {
      (isBatchFirst ? row * directions + direction : direction * batch + row) * hidden
    }

    func load(_ source: UnsafePointer<Float>?, _ direction: Int, _ state: UnsafeMutablePointer<Float>) {
      for row in 0..<batch {
        let target = state + row * hidden
        if let source {
          target.update(from: source + place(direction, row), count: hidden)
        } else {
          target.update(repeating: 0, count: hidden)
        }
      }
    }

    func store(_ state: UnsafePointer<Float>, _ direction: Int, _ target: UnsafeMutablePointer<Float>) {
      for row in 0..<batch {
        (target + place(direction, row)).update(from: state + row * hidden, count: hidden)
      }
    }
  }
}

/// A recurrent operator as the kernels know it.
protocol RecurrentOperator: Operation {
  var recurrence: Recurrence { get }
  /// The cell of a direction; nil when the kernels lack one of its activations.
  func cell(_ direction: Int) -> RecurrentCell?
}

extension LSTM: RecurrentOperator {
  func cell(_ direction: Int) -> RecurrentCell? {
    guard let gates = recurrence.activation(direction, 0).kernel,
      let candidate = recurrence.activation(direction, 1).kernel,
      let output = recurrence.activation(direction, 2).kernel
    else { return nil }
    return .lstm(gates: gates, candidate: candidate, output: output, coupled: couplesGates)
  }
}

extension GRU: RecurrentOperator {
  func cell(_ direction: Int) -> RecurrentCell? {
    guard let gates = recurrence.activation(direction, 0).kernel,
      let candidate = recurrence.activation(direction, 1).kernel
    else { return nil }
    return .gru(gates: gates, candidate: candidate, linearBeforeReset: resetsBehind)
  }
}

extension RNN: RecurrentOperator {
  func cell(_ direction: Int) -> RecurrentCell? {
    recurrence.activation(direction, 0).kernel.map { .rnn($0) }
  }
}

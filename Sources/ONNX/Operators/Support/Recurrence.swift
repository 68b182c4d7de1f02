import Glibc
import Kernels
import Tensors

/// What the recurrent operators share: LSTM, GRU and RNN differ in their cell only.
struct Recurrence: Sendable {
  enum Direction: String, Sendable { case forward, reverse, bidirectional }

  let direction: Direction
  let hiddenSize: Int?
  /// Whether the batch is the first axis of X and Y.
  let isBatchFirst: Bool
  let clip: Float?
  let activations: [GateActivation]
  let gateCount: Int

  init(_ reader: NodeReader, gates: Int, defaults: [String]) throws {
    let word = try reader.string("direction") ?? "forward"
    guard let direction = Direction(rawValue: word) else {
      throw ONNXError(.invalid, "direction '\(word)', expected forward, reverse or bidirectional")
    }
    self.direction = direction
    hiddenSize = try reader.int("hidden_size")
    isBatchFirst = try reader.flag("layout", default: false)
    clip = reader.has("clip") ? try reader.float("clip", default: 0) : nil
    gateCount = gates
    let directions = direction == .bidirectional ? 2 : 1
    let names =
      try reader.strings("activations") ?? Array(repeating: defaults, count: directions).flatMap(\.self)
    guard names.count == defaults.count * directions else {
      throw ONNXError(.invalid, "\(names.count) activations, expected \(defaults.count * directions)")
    }
    var (alphas, betas) = (
      try reader.floats("activation_alpha") ?? [], try reader.floats("activation_beta") ?? []
    )
    activations = try names.map { try GateActivation($0, &alphas, &betas) }
  }

  var directionCount: Int { direction == .bidirectional ? 2 : 1 }

  func activation(_ direction: Int, _ place: Int) -> GateActivation {
    activations[direction * (activations.count / directionCount) + place]
  }

  /// The facts of Y, and of the last states that `stateCount` outputs give.
  func facts(_ node: NodeFacts, hidden: Dimension? = nil, stateCount: Int) throws -> [TensorFact] {
    let x = try node.input(0)
    guard x.rank == 3 else {
      throw ONNXError(.invalid, "X of shape \(x.shapeText), expected three dimensions")
    }
    let hidden = try hidden ?? self.hidden(node)
    let directions = Dimension(directionCount)
    let (steps, batch) =
      isBatchFirst ? (x.dimensions[1], x.dimensions[0]) : (x.dimensions[0], x.dimensions[1])
    let y = isBatchFirst ? [batch, steps, directions, hidden] : [steps, directions, batch, hidden]
    let state = isBatchFirst ? [batch, directions, hidden] : [directions, batch, hidden]
    let rows = node.rowsOfMixture
    return [TensorFact(x.datatype, y, rows: rows)]
      + Array(repeating: TensorFact(x.datatype, state, rows: rows), count: stateCount)
  }
}

extension Recurrence {
  /// The size of the state, as the recurrent weights have it.
  private func hidden(_ node: NodeFacts) throws -> Dimension {
    let r = try node.input(2)
    guard r.rank == 3 else {
      throw ONNXError(.invalid, "R of shape \(r.shapeText), expected three dimensions")
    }
    return r.dimensions[2]
  }
}

/// A function of the gates of a recurrent cell.
struct GateActivation: Sendable {
  private let function: @Sendable (Float) -> Float
  /// The same function of the kernels; nil where they have none.
  private(set) var kernel: Activation?

  func callAsFunction(_ value: Float) -> Float { function(value) }

  /// Takes the parameters that the function needs off the front of the lists.
  init(_ name: String, _ alphas: inout [Float], _ betas: inout [Float]) throws {
    kernel = nil
    func take(_ list: inout [Float], _ value: Float) -> Float { list.isEmpty ? value : list.removeFirst() }
    switch name.lowercased() {
    case "sigmoid":
      function = { 1 / (1 + exp(-$0)) }
      kernel = .sigmoid
    case "tanh":
      function = { tanh($0) }
      kernel = .tanh
    case "relu":
      function = { max($0, 0) }
      kernel = .relu
    case "softsign": function = { $0 / (1 + abs($0)) }
    case "softplus": function = { log1p(exp(-abs($0))) + max($0, 0) }
    case "affine":
      let (alpha, beta) = (take(&alphas, 1), take(&betas, 0))
      function = { alpha * $0 + beta }
    case "leakyrelu":
      let alpha = take(&alphas, 0.01)
      function = { $0 < 0 ? alpha * $0 : $0 }
      kernel = .leakyRelu(slope: alpha)
    case "thresholdedrelu":
      let alpha = take(&alphas, 1)
      function = { $0 > alpha ? $0 : 0 }
    case "elu":
      let alpha = take(&alphas, 1)
      function = { $0 < 0 ? alpha * expm1($0) : $0 }
    case "hardsigmoid":
      let (alpha, beta) = (take(&alphas, 0.2), take(&betas, 0.5))
      function = { min(max(alpha * $0 + beta, 0), 1) }
      kernel = .hardSigmoid(slope: alpha, offset: beta)
    case "scaledtanh":
      let (alpha, beta) = (take(&alphas, 1), take(&betas, 1))
      function = { alpha * tanh(beta * $0) }
    default: throw ONNXError(.unsupported, "the activation '\(name)'")
    }
  }
}

/// The tensors of one recurrent operator, as floats, and a walk over its steps.
struct RecurrentRun {
  let recurrence: Recurrence
  let steps: Int
  let batch: Int
  let inputSize: Int
  let hidden: Int
  let datatype: Datatype
  private let x: [Float]
  private let w: [Float]
  private let r: [Float]
  private let bias: [Float]
  private let lengths: [Int]?
  private let initial: [[Float]]
  let peepholes: [Float]?

  /// - Parameters:
  ///   - states: the inputs that hold initial states.
  ///   - peephole: the input that holds peephole weights, if the operator has it.
  init(_ recurrence: Recurrence, _ node: EvaluationRequest, states: [Int], peephole: Int? = nil) throws {
    self.recurrence = recurrence
    try node.requireFloat(0)
    let (x, w, r) = (try node.input(0), try node.input(1), try node.input(2))
    guard x.shape.rank == 3, w.shape.rank == 3, r.shape.rank == 3 else {
      throw ONNXError(.invalid, "X \(x.shape), W \(w.shape) and R \(r.shape)")
    }
    datatype = x.datatype
    hidden = r.shape[2]
    inputSize = x.shape[2]
    (steps, batch) = recurrence.isBatchFirst ? (x.shape[1], x.shape[0]) : (x.shape[0], x.shape[1])
    let (rows, directions) = (recurrence.gateCount * hidden, recurrence.directionCount)
    guard w.shape == [directions, rows, inputSize], r.shape == [directions, rows, hidden],
      recurrence.hiddenSize ?? hidden == hidden
    else { throw ONNXError(.invalid, "W \(w.shape) and R \(r.shape) for X \(x.shape)") }
    self.x = x.floats()
    self.w = w.floats()
    self.r = r.floats()
    bias = try node.optional(3)?.floats() ?? [Float](repeating: 0, count: directions * 2 * rows)
    lengths = node.has(4) ? try node.integers(4) : nil
    let (batch, steps, hidden) = (self.batch, self.steps, self.hidden)
    initial = try states.map { place in
      let given =
        try node.optional(place)?.floats() ?? [Float](repeating: 0, count: directions * batch * hidden)
      guard given.count == directions * batch * hidden else {
        throw ONNXError(.invalid, "input \(place) has another size")
      }
      return given
    }
    peepholes = try peephole.flatMap { try node.optional($0)?.floats() }
    guard bias.count == directions * 2 * rows, lengths.map({ $0.count == batch }) ?? true,
      lengths?.allSatisfy({ $0 >= 0 && $0 <= steps }) ?? true,
      peepholes.map({ $0.count == directions * 3 * hidden }) ?? true
    else { throw ONNXError(.invalid, "a bias, peepholes or lengths of another size") }
  }

  /// One step of the cell: from the gates' inputs (W·x + both biases, and R·h apart) and the states, the
  /// new states, the first of which is the output.
  typealias Cell = (
    _ direction: Int, _ input: [Float], _ recurrent: RecurrentProduct, _ states: [[Float]]
  ) -> [[Float]]

  /// Y and the last states.
  func run(_ node: EvaluationRequest, _ cell: Cell) throws -> [Value?] {
    var y = [Float](repeating: 0, count: steps * recurrence.directionCount * batch * hidden)
    var last = initial
    for direction in 0..<recurrence.directionCount {
      let isReverse = recurrence.direction == .reverse || direction == 1
      for row in 0..<batch {
        let length = lengths?[row] ?? steps
        var states = initial.map { Array($0[place(direction, row)..<place(direction, row) + hidden]) }
        for step in 0..<length {
          let time = isReverse ? length - 1 - step : step
          states = cell(direction, inputs(direction, row, time), product(direction), states)
          let target = output(direction, row, time)
          for index in 0..<hidden { y[target + index] = states[0][index] }
        }
        for state in states.indices {
          last[state].replaceSubrange(
            place(direction, row)..<place(direction, row) + hidden, with: states[state])
        }
      }
    }
    let directions = recurrence.directionCount
    let shape: Shape =
      recurrence.isBatchFirst ? [batch, steps, directions, hidden] : [steps, directions, batch, hidden]
    let state: Shape = recurrence.isBatchFirst ? [batch, directions, hidden] : [directions, batch, hidden]
    return [try node.tensor(datatype, shape, floats: y)]
      + (try last.map { try node.tensor(datatype, state, floats: $0) })
  }

  private func place(_ direction: Int, _ row: Int) -> Int {
    (recurrence.isBatchFirst ? row * recurrence.directionCount + direction : direction * batch + row) * hidden
  }

  private func output(_ direction: Int, _ row: Int, _ time: Int) -> Int {
    recurrence.isBatchFirst
      ? ((row * steps + time) * recurrence.directionCount + direction) * hidden
      : ((time * recurrence.directionCount + direction) * batch + row) * hidden
  }

  /// W·x and the bias of W, for all gates.
  private func inputs(_ direction: Int, _ row: Int, _ time: Int) -> [Float] {
    let rows = recurrence.gateCount * hidden
    let source = (recurrence.isBatchFirst ? row * steps + time : time * batch + row) * inputSize
    return (0..<rows).map { gate in
      let weights = (direction * rows + gate) * inputSize
      return w.withUnsafeBufferPointer { w in
        x.withUnsafeBufferPointer { x in
          var sum = bias[direction * 2 * rows + gate]
          for index in 0..<inputSize { sum += w[weights + index] * x[source + index] }
          return sum
        }
      }
    }
  }

  private func product(_ direction: Int) -> RecurrentProduct {
    let rows = recurrence.gateCount * hidden
    return RecurrentProduct(
      weights: r, first: direction * rows * hidden, bias: bias, firstBias: (direction * 2 + 1) * rows,
      hidden: hidden)
  }
}

/// R·h and the bias of R, gate by gate.
struct RecurrentProduct {
  fileprivate let weights: [Float]
  fileprivate let first: Int
  fileprivate let bias: [Float]
  fileprivate let firstBias: Int
  fileprivate let hidden: Int

  /// Of gate `gate`, for the state `h`.
  func callAsFunction(_ gate: Int, _ h: [Float], withBias: Bool = true) -> [Float] {
    weights.withUnsafeBufferPointer { weights in
      h.withUnsafeBufferPointer { h in
        (0..<hidden).map { row in
          let start = first + (gate * hidden + row) * hidden
          var sum = withBias ? bias[firstBias + gate * hidden + row] : 0
          for index in 0..<hidden { sum += weights[start + index] * h[index] }
          return sum
        }
      }
    }
  }

  func bias(_ gate: Int, _ row: Int) -> Float { bias[firstBias + gate * hidden + row] }
}

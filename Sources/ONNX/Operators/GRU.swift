import Tensors

/// The ONNX operator GRU.
struct GRU: Evaluation {
  static let description = OperatorDescription(
    "GRU", inputs: 3...6, outputs: 0...2,
    support: "FP16, BF16, FP32; all directions, activations, clip, linear_before_reset, sequence lengths"
  ) { reader in
    GRU(
      recurrence: try Recurrence(reader, gates: 3, defaults: ["Sigmoid", "Tanh"]),
      resetsBehind: try reader.flag("linear_before_reset", default: false))
  }

  let name = "GRU"
  let recurrence: Recurrence
  /// Whether the reset gate applies to the product with the state, and not to the state.
  let resetsBehind: Bool

  func infer(_ node: NodeFacts) throws -> [TensorFact] { try recurrence.facts(node, stateCount: 1) }

  func evaluate(_ node: EvaluationRequest) throws -> [Value?] {
    let run = try RecurrentRun(recurrence, node, states: [5])
    let hidden = run.hidden
    let clip = recurrence.clip
    func clipped(_ value: Float) -> Float { clip.map { min(max(value, -$0), $0) } ?? value }
    return try run.run(node) { direction, input, recurrent, states in
      let (f, g) = (recurrence.activation(direction, 0), recurrence.activation(direction, 1))
      let state = states[0]
      // Gates lie in the order update, reset, hidden.
      let (update, reset) = (recurrent(0, state), recurrent(1, state))
      let z = (0..<hidden).map { f(clipped(input[$0] + update[$0])) }
      let r = (0..<hidden).map { f(clipped(input[hidden + $0] + reset[$0])) }
      let product =
        resetsBehind
        ? recurrent(2, state) : recurrent(2, (0..<hidden).map { r[$0] * state[$0] }, withBias: false)
      let output = (0..<hidden).map { row -> Float in
        let own = input[2 * hidden + row]
        let sum = resetsBehind ? own + r[row] * product[row] : own + product[row] + recurrent.bias(2, row)
        return (1 - z[row]) * g(clipped(sum)) + z[row] * state[row]
      }
      return [output]
    }
  }
}

import Tensors

/// The ONNX operator LSTM.
struct LSTM: Evaluation {
  static let description = OperatorDescription(
    "LSTM", inputs: 3...8, outputs: 0...3,
    support: "FP16, BF16, FP32; all directions, activations, clip, peepholes, input_forget, sequence lengths"
  ) { reader in
    LSTM(
      recurrence: try Recurrence(reader, gates: 4, defaults: ["Sigmoid", "Tanh", "Tanh"]),
      couplesGates: try reader.flag("input_forget", default: false))
  }

  let name = "LSTM"
  let recurrence: Recurrence
  let couplesGates: Bool

  func infer(_ node: NodeFacts) throws -> [TensorFact] { try recurrence.facts(node, stateCount: 2) }

  func evaluate(_ node: EvaluationRequest) throws -> [Value?] {
    let run = try RecurrentRun(recurrence, node, states: [5, 6], peephole: 7)
    let hidden = run.hidden
    let clip = recurrence.clip
    func clipped(_ value: Float) -> Float { clip.map { min(max(value, -$0), $0) } ?? value }
    return try run.run(node) { direction, input, recurrent, states in
      let (f, g, h) = (
        recurrence.activation(direction, 0), recurrence.activation(direction, 1),
        recurrence.activation(direction, 2)
      )
      // Gates lie in the order input, output, forget, cell.
      let products = (0..<4).map { recurrent($0, states[0]) }
      var (output, cell) = (states[0], states[1])
      for row in 0..<hidden {
        func gate(_ place: Int) -> Float { input[place * hidden + row] + products[place][row] }
        func peephole(_ place: Int) -> Float { run.peepholes?[(direction * 3 + place) * hidden + row] ?? 0 }
        let before = states[1][row]
        let entering = f(clipped(gate(0) + peephole(0) * before))
        let forgetting = couplesGates ? 1 - entering : f(clipped(gate(2) + peephole(2) * before))
        cell[row] = forgetting * before + entering * g(clipped(gate(3)))
        output[row] = f(clipped(gate(1) + peephole(1) * cell[row])) * h(cell[row])
      }
      return [output, cell]
    }
  }
}

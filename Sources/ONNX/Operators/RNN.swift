import Tensors

/// The ONNX operator RNN.
struct RNN: Evaluation {
  static let description = OperatorDescription(
    "RNN", inputs: 3...6, outputs: 0...2,
    support: "FP16, BF16, FP32; all directions, activations, clip, sequence lengths"
  ) { reader in RNN(recurrence: try Recurrence(reader, gates: 1, defaults: ["Tanh"])) }

  let name = "RNN"
  let recurrence: Recurrence

  func infer(_ node: NodeFacts) throws -> [TensorFact] { try recurrence.facts(node, stateCount: 1) }

  func evaluate(_ node: EvaluationRequest) throws -> [Value?] {
    let run = try RecurrentRun(recurrence, node, states: [5])
    let clip = recurrence.clip
    return try run.run(node) { direction, input, recurrent, states in
      let f = recurrence.activation(direction, 0)
      let product = recurrent(0, states[0])
      return [
        (0..<run.hidden).map { row in
          let sum = input[row] + product[row]
          return f(clip.map { min(max(sum, -$0), $0) } ?? sum)
        }
      ]
    }
  }
}

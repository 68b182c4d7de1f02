import Glibc
import Tensors

/// The operators of ai.onnx.preview.training that move weights along gradients: Momentum, Adagrad, Adam.
struct GradientDescent: Evaluation {
  static let momentumDescription = description("Momentum", states: 1) { reader in
    let mode = try reader.word("mode", "standard", "nesterov")
    return .momentum(
      alpha: Double(try reader.float("alpha", default: 0)),
      beta: Double(try reader.float("beta", default: 0)),
      isNesterov: mode == "nesterov")
  }
  static let adagradDescription = description("Adagrad", states: 1) { reader in
    .adagrad(
      decay: Double(try reader.float("decay_factor", default: 0)),
      epsilon: Double(try reader.float("epsilon", default: 0)))
  }
  static let adamDescription = description("Adam", states: 2) { reader in
    .adam(
      alpha: Double(try reader.float("alpha", default: 0.9)),
      beta: Double(try reader.float("beta", default: 0.999)),
      epsilon: Double(try reader.float("epsilon", default: 0)),
      decay: Double(try reader.float("norm_coefficient_post", default: 0)))
  }

  enum Rule: Sendable {
    case momentum(alpha: Double, beta: Double, isNesterov: Bool)
    case adagrad(decay: Double, epsilon: Double)
    case adam(alpha: Double, beta: Double, epsilon: Double, decay: Double)
  }

  private static func description(
    _ type: String, states: Int, _ rule: @escaping @Sendable (NodeReader) throws -> Rule
  ) -> OperatorDescription {
    OperatorDescription(
      type, domain: "ai.onnx.preview.training", inputs: 4 + states - 1...Int.max, outputs: 1...Int.max,
      support: "FP32, FP64"
    ) { reader in
      guard (reader.inputCount - 2) % (2 + states) == 0 else {
        throw ONNXError(.invalid, "\(reader.inputCount) inputs")
      }
      return GradientDescent(
        name: type, rule: try rule(reader), stateCount: states,
        regularization: Double(try reader.float("norm_coefficient", default: 0)))
    }
  }

  let name: String
  let rule: Rule
  let stateCount: Int
  let regularization: Double

  func evaluate(_ node: EvaluationRequest) throws -> [Value?] {
    guard let rate = try node.number(0), let time = try node.number(1) else {
      throw ONNXError(.invalid, "the rate or the count of updates is missing")
    }
    let count = (node.inputs.count - 2) / (2 + stateCount)
    var outputs = [Value?](repeating: nil, count: count * (1 + stateCount))
    for place in 0..<count {
      let x = try node.input(2 + place)
      let lists = try (0..<2 + stateCount).map { try node.input(2 + place + $0 * count).doubles() }
      guard lists.allSatisfy({ $0.count == x.elementCount }) else {
        throw ONNXError(.invalid, "gradients or states of another size than the weights")
      }
      var results = [[Double]](repeating: [], count: 1 + stateCount)
      for index in 0..<x.elementCount {
        let gradient = regularization * lists[0][index] + lists[1][index]
        let moved = moved(rate, time, lists[0][index], gradient, lists[2...].map { $0[index] })
        for (state, value) in moved.enumerated() { results[state].append(value) }
      }
      for (state, values) in results.enumerated() {
        outputs[place + state * count] = try node.tensor(x.datatype, x.shape, values)
      }
    }
    return outputs
  }

  /// The new weight and the new states.
  private func moved(_ rate: Double, _ time: Double, _ x: Double, _ gradient: Double, _ states: [Double])
    -> [Double]
  {
    switch rule {
    case .momentum(let alpha, let beta, let isNesterov):
      let v = alpha * states[0] + (time > 0 ? beta : 1) * gradient
      return [x - rate * (isNesterov ? gradient + alpha * v : v), v]
    case .adagrad(let decay, let epsilon):
      let h = states[0] + gradient * gradient
      return [x - rate / (1 + time * decay) * gradient / (h.squareRoot() + epsilon), h]
    case .adam(let alpha, let beta, let epsilon, let decay):
      let v = alpha * states[0] + (1 - alpha) * gradient
      let h = beta * states[1] + (1 - beta) * gradient * gradient
      let step = time > 0 ? rate * (1 - pow(beta, time)).squareRoot() / (1 - pow(alpha, time)) : rate
      return [(1 - decay) * (x - step * v / (h.squareRoot() + epsilon)), v, h]
    }
  }
}

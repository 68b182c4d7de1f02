import Glibc
import Tensors

/// The ONNX operator CausalConvWithState: a convolution of each channel over what came before, with the
/// end of that carried on.
struct CausalConvWithState: Evaluation {
  static let description = OperatorDescription(
    "CausalConvWithState", inputs: 2...4, outputs: 1...2, support: "FP16, BF16, FP32"
  ) { reader in
    CausalConvWithState(isGated: try reader.word("activation", "none", "silu", "swish") != "none")
  }

  let name = "CausalConvWithState"
  let isGated: Bool

  func evaluate(_ node: EvaluationRequest) throws -> [Value?] {
    try node.requireFloat(0)
    let (x, w) = (try node.input(0), try node.input(1))
    guard x.shape.rank == 3, w.shape.rank == 3, w.shape[0] == x.shape[1], w.shape[1] == 1, w.shape[2] >= 1
    else {
      throw ONNXError(.invalid, "weights \(w.shape) for an input of shape \(x.shape)")
    }
    let (lines, length, taps) = (x.shape[0] * x.shape[1], x.shape[2], w.shape[2])
    let stateShape: Shape = [x.shape[0], x.shape[1], taps - 1]
    let (values, weights, bias) = (x.doubles(), w.doubles(), try node.optional(2)?.doubles())
    let state = try node.optional(3)?.doubles() ?? [Double](repeating: 0, count: lines * (taps - 1))
    guard state.count == lines * (taps - 1), bias.map({ $0.count == x.shape[1] }) ?? true else {
      throw ONNXError(.invalid, "a bias or state of another size")
    }
    var (output, kept): ([Double], [Double]) = ([], [])
    for line in 0..<lines {
      let channel = line % x.shape[1]
      let whole = Array(
        state[line * (taps - 1)..<(line + 1) * (taps - 1)] + values[line * length..<(line + 1) * length])
      for place in 0..<length {
        var sum = bias?[channel] ?? 0
        for tap in 0..<taps { sum += whole[place + tap] * weights[channel * taps + tap] }
        output.append(isGated ? sum / (1 + exp(-sum)) : sum)
      }
      kept += whole.suffix(taps - 1)
    }
    return [
      try node.tensor(x.datatype, x.shape, output),
      try node.tensor(try node.optional(3)?.datatype ?? x.datatype, stateShape, kept),
    ]
  }
}

import Glibc
import Tensors

/// The ONNX operators NegativeLogLikelihoodLoss and SoftmaxCrossEntropyLoss.
struct ClassLoss: Evaluation {
  static let likelihoodDescription = description(
    "NegativeLogLikelihoodLoss", outputs: 1...1, takesSoftmax: false)
  static let entropyDescription = description("SoftmaxCrossEntropyLoss", outputs: 1...2, takesSoftmax: true)

  private static func description(
    _ type: String, outputs: ClosedRange<Int>, takesSoftmax: Bool
  ) -> OperatorDescription {
    OperatorDescription(type, inputs: 2...3, outputs: outputs, support: "FP16, BF16, FP32, FP64") { reader in
      ClassLoss(
        name: type, takesSoftmax: takesSoftmax,
        reduction: try reader.word("reduction", "mean", "sum", "none"),
        ignored: try reader.int("ignore_index"))
    }
  }

  let name: String
  let takesSoftmax: Bool
  let reduction: String
  let ignored: Int?

  func evaluate(_ node: EvaluationRequest) throws -> [Value?] {
    try node.requireFloat(0)
    let (x, target) = (try node.input(0), try node.indices(1))
    guard x.shape.rank >= 2, Array(target.shape) == [x.shape[0]] + Array(x.shape[2...]) else {
      throw ONNXError(.invalid, "labels of shape \(target.shape) for scores of shape \(x.shape)")
    }
    let layout = AxisLayout(x.shape, 1)
    let scores = takesSoftmax ? logarithms(x.doubles(), layout) : x.doubles()
    let weights = try node.optional(2)?.doubles()
    guard weights.map({ $0.count == layout.length }) ?? true else {
      throw ONNXError(.invalid, "weights for another number of classes than \(layout.length)")
    }
    let labels = target.integers()
    var (losses, sum, weightSum) = ([Double](repeating: 0, count: labels.count), 0.0, 0.0)
    for (place, label) in labels.enumerated() where label != ignored {
      guard label >= 0, label < layout.length else {
        throw ONNXError(.argument, "label \(label) of \(layout.length) classes")
      }
      let weight = weights?[label] ?? 1
      let source = (place / layout.inner * layout.length + label) * layout.inner + place % layout.inner
      losses[place] = -scores[source] * weight
      sum += losses[place]
      weightSum += weight
    }
    let loss: Value
    switch reduction {
    case "none": loss = try node.tensor(x.datatype, target.shape, losses)
    case "sum": loss = try node.tensor(x.datatype, [], [sum])
    default: loss = try node.tensor(x.datatype, [], [sum / weightSum])
    }
    return [loss, takesSoftmax ? try node.tensor(x.datatype, x.shape, scores) : nil]
  }

  private func logarithms(_ values: [Double], _ layout: AxisLayout) -> [Double] {
    var result = values
    layout.forEachLine { _, start in
      let line = (0..<layout.length).map { values[start + $0 * layout.inner] }
      let greatest = line.max() ?? 0
      let sum = log(line.reduce(0) { $0 + exp($1 - greatest) }) + greatest
      for (index, value) in line.enumerated() { result[start + index * layout.inner] = value - sum }
    }
    return result
  }
}

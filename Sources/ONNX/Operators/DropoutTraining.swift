import Tensors

/// The ONNX operator Dropout with an input that may turn training on: elements are then dropped at random
/// and the others made larger.
struct DropoutTraining: Evaluation {
  let name = "Dropout"
  let seed: Int?
  var isRandom: Bool { true }

  func infer(_ node: NodeFacts) throws -> [TensorFact] {
    let x = try node.input(0)
    return [
      TensorFact(x.datatype, x.dimensions, rows: node.rowsOfMixture),
      TensorFact(.bool, x.dimensions, rows: node.rowsOfMixture),
    ]
  }

  func evaluate(_ node: EvaluationRequest) throws -> [Value?] {
    try node.requireFloat(0)
    let x = try node.input(0)
    let ratio = try node.number(1) ?? 0.5
    guard try node.integer(2) ?? 0 != 0, ratio > 0 else {
      return [.tensor(x), try node.tensor(x.shape, bools: Array(repeating: true, count: x.elementCount))]
    }
    guard ratio < 1 else { throw ONNXError(.argument, "a ratio of \(ratio), expected 0 to below 1") }
    var numbers = RandomNumbers(seed: seed.map { Float($0) })
    let kept = (0..<x.elementCount).map { _ in numbers.uniform() >= ratio }
    let values = zip(x.doubles(), kept).map { $1 ? $0 / (1 - ratio) : 0 }
    return [try node.tensor(x.datatype, x.shape, values), try node.tensor(x.shape, bools: kept)]
  }
}

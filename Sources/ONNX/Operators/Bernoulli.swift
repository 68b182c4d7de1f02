import Tensors

/// The ONNX operator Bernoulli: 1 with the probability that each element says, else 0.
struct Bernoulli: Evaluation {
  static let description = OperatorDescription("Bernoulli", inputs: 1...1, support: "FP16, BF16, FP32, FP64")
  { reader in
    Bernoulli(
      seed: reader.has("seed") ? try reader.float("seed", default: 0) : nil,
      datatype: try randomDatatype(reader))
  }

  let name = "Bernoulli"
  let seed: Float?
  let datatype: Datatype?
  var isRandom: Bool { true }

  func evaluate(_ node: EvaluationRequest) throws -> [Value?] {
    try node.requireFloat(0)
    let x = try node.input(0)
    var numbers = RandomNumbers(seed: seed)
    return [
      try node.tensor(
        datatype ?? x.datatype, x.shape, integers: x.doubles().map { numbers.uniform() < $0 ? 1 : 0 })
    ]
  }
}

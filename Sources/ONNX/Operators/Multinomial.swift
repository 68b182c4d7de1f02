import Glibc
import Tensors

/// The ONNX operator Multinomial: classes drawn by unnormalized logarithms of their probabilities.
struct Multinomial: Evaluation {
  static let description = OperatorDescription(
    "Multinomial", inputs: 1...1, support: "FP16, BF16, FP32, FP64"
  ) { reader in
    let count = try reader.int("sample_size", default: 1)
    guard (0..<1 << 32).contains(count) else { throw ONNXError(.invalid, "sample_size \(count)") }
    return Multinomial(
      count: count, seed: reader.has("seed") ? try reader.float("seed", default: 0) : nil,
      datatype: try randomDatatype(reader) ?? .int32)
  }

  let name = "Multinomial"
  let count: Int
  let seed: Float?
  let datatype: Datatype
  var isRandom: Bool { true }

  func evaluate(_ node: EvaluationRequest) throws -> [Value?] {
    try node.requireFloat(0)
    let x = try node.input(0)
    guard x.shape.rank == 2, x.shape[1] > 0 else { throw ONNXError(.invalid, "a tensor of shape \(x.shape)") }
    let shape = try node.shape([x.shape[0], count])
    let (values, classes) = (x.doubles(), x.shape[1])
    var numbers = RandomNumbers(seed: seed)
    var drawn: [Int] = []
    for row in 0..<x.shape[0] {
      let line = values[row * classes..<(row + 1) * classes]
      let greatest = line.max() ?? 0
      let chances = line.map { exp($0 - greatest) }
      let sum = chances.reduce(0, +)
      for _ in 0..<count {
        var rest = numbers.uniform() * sum
        let place = chances.firstIndex { chance in
          rest -= chance
          return rest < 0
        }
        drawn.append(place ?? classes - 1)
      }
    }
    return [try node.tensor(datatype, shape, integers: drawn)]
  }
}

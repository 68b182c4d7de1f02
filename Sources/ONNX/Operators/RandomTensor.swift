import Tensors

/// The ONNX operators RandomNormal, RandomUniform, RandomNormalLike and RandomUniformLike.
struct RandomTensor: Evaluation {
  static let normalDescription = description("RandomNormal", isNormal: true, isLike: false)
  static let uniformDescription = description("RandomUniform", isNormal: false, isLike: false)
  static let normalLikeDescription = description("RandomNormalLike", isNormal: true, isLike: true)
  static let uniformLikeDescription = description("RandomUniformLike", isNormal: false, isLike: true)

  private static func description(_ type: String, isNormal: Bool, isLike: Bool) -> OperatorDescription {
    OperatorDescription(type, inputs: isLike ? 1...1 : 0...0, support: "FP16, BF16, FP32, FP64") { reader in
      RandomTensor(
        name: type, isNormal: isNormal,
        first: Double(try reader.float(isNormal ? "mean" : "low", default: 0)),
        second: Double(try reader.float(isNormal ? "scale" : "high", default: 1)),
        seed: reader.has("seed") ? try reader.float("seed", default: 0) : nil,
        datatype: try randomDatatype(reader),
        shape: isLike ? nil : try reader.required("shape", try reader.ints("shape")))
    }
  }

  let name: String
  let isNormal: Bool
  /// The mean and deviation, or the bounds.
  let first: Double
  let second: Double
  let seed: Float?
  let datatype: Datatype?
  let shape: [Int]?
  var isRandom: Bool { true }

  func evaluate(_ node: EvaluationRequest) throws -> [Value?] {
    let like = shape == nil ? try node.input(0) : nil
    let target = try node.shape(shape ?? Array(like?.shape ?? []))
    let given = like?.isFloat ?? false ? like?.datatype : nil
    var numbers = RandomNumbers(seed: seed)
    let values = (0..<(try node.count(target))).map { _ in
      isNormal ? first + second * numbers.normal() : first + (second - first) * numbers.uniform()
    }
    return [try node.tensor(datatype ?? given ?? .fp32, target, values)]
  }
}

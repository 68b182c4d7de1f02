import Tensors

/// The operator OneHotEncoder of ai.onnx.ml.
struct OneHotEncoder: Evaluation {
  static let description = OperatorDescription(
    "OneHotEncoder", domain: "ai.onnx.ml", inputs: 1...1, support: "BYTES, FP32, FP64, INT32, INT64"
  ) { reader in
    OneHotEncoder(
      integers: try reader.ints("cats_int64s"), texts: try reader.strings("cats_strings"),
      allowsUnknown: try reader.flag("zeros", default: true))
  }

  let name = "OneHotEncoder"
  let integers: [Int]?
  let texts: [String]?
  let allowsUnknown: Bool

  func infer(_ node: NodeFacts) throws -> [TensorFact] {
    let x = try node.input(0)
    guard x.rank < 8 else { throw ONNXError(.limit, "an output of \(x.rank + 1) dimensions") }
    return [TensorFact(.fp32, x.dimensions + [Dimension(texts?.count ?? integers?.count ?? 0)], rows: x.rows)]
  }

  func evaluate(_ node: EvaluationRequest) throws -> [Value?] {
    let x = try node.input(0)
    let found: [Int?]
    let count: Int
    if let texts {
      try node.require(0, [.bytes])
      let places = Dictionary(texts.enumerated().map { ($1, $0) }, uniquingKeysWith: { a, _ in a })
      (found, count) = (x.strings().map { places[$0] }, texts.count)
    } else if let integers {
      try node.require(0, [.fp32, .fp64, .int32, .int64])
      let places = Dictionary(integers.enumerated().map { ($1, $0) }, uniquingKeysWith: { a, _ in a })
      (found, count) = (
        x.doubles().map { Int(exactly: $0.rounded(.towardZero)).flatMap { places[$0] } }, integers.count
      )
    } else {
      throw ONNXError(.invalid, "neither cats_int64s nor cats_strings")
    }
    guard allowsUnknown || !found.contains(where: { $0 == nil }) else {
      throw ONNXError(.argument, "a category that the model does not know")
    }
    let shape = try node.shape(Array(x.shape) + [count])
    var values = [Int](repeating: 0, count: try node.count(shape))
    for (index, place) in found.enumerated() { if let place { values[index * count + place] = 1 } }
    return [try node.tensor(.fp32, shape, integers: values)]
  }
}

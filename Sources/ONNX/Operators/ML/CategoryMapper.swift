import Tensors

/// The operator CategoryMapper of ai.onnx.ml: texts to integers, or integers to texts.
struct CategoryMapper: Evaluation {
  static let description = OperatorDescription(
    "CategoryMapper", domain: "ai.onnx.ml", inputs: 1...1, support: "BYTES, INT64"
  ) { reader in
    let texts = try reader.strings("cats_strings") ?? []
    let numbers = try reader.ints("cats_int64s") ?? []
    guard texts.count == numbers.count else {
      throw ONNXError(.invalid, "\(texts.count) texts, \(numbers.count) numbers")
    }
    return CategoryMapper(
      texts: texts, numbers: numbers, text: try reader.string("default_string") ?? "_Unused",
      number: try reader.int("default_int64", default: -1))
  }

  let name = "CategoryMapper"
  let texts: [String]
  let numbers: [Int]
  let text: String
  let number: Int

  func evaluate(_ node: EvaluationRequest) throws -> [Value?] {
    try node.require(0, [.bytes, .int64])
    let x = try node.input(0)
    if x.datatype == .bytes {
      let known = Dictionary(zip(texts, numbers), uniquingKeysWith: { a, _ in a })
      return [try node.tensor(.int64, x.shape, integers: x.strings().map { known[$0] ?? number })]
    }
    let known = Dictionary(zip(numbers, texts), uniquingKeysWith: { a, _ in a })
    return [try node.tensor(x.shape, texts: x.integers().map { Array((known[$0] ?? text).utf8) })]
  }
}

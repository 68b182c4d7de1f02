import Tensors

/// The ONNX operator StringNormalizer: takes stop words out of a list and changes the case.
struct StringNormalizer: Evaluation {
  static let description = OperatorDescription("StringNormalizer", inputs: 1...1, support: "BYTES; no locale")
  { reader in
    StringNormalizer(
      action: try reader.word("case_change_action", "NONE", "LOWER", "UPPER"),
      isCaseSensitive: try reader.flag("is_case_sensitive", default: false),
      stopWords: try reader.strings("stopwords") ?? [])
  }

  let name = "StringNormalizer"
  let action: String
  let isCaseSensitive: Bool
  let stopWords: [String]

  func evaluate(_ node: EvaluationRequest) throws -> [Value?] {
    try node.require(0, [.bytes])
    let x = try node.input(0)
    guard x.shape.rank == 1 || x.shape.rank == 2 && x.shape[0] == 1 else {
      throw ONNXError(.invalid, "texts of shape \(x.shape), expected [C] or [1,C]")
    }
    let stopped = Set(isCaseSensitive ? stopWords : stopWords.map { $0.lowercased() })
    var texts = x.strings().filter { !stopped.contains(isCaseSensitive ? $0 : $0.lowercased()) }
    if action == "LOWER" { texts = texts.map { $0.lowercased() } }
    if action == "UPPER" { texts = texts.map { $0.uppercased() } }
    if texts.isEmpty { texts = [""] }
    let shape: Shape = x.shape.rank == 1 ? [texts.count] : [1, texts.count]
    return [try node.tensor(shape, texts: texts.map { Array($0.utf8) })]
  }
}

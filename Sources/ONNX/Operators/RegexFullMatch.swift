import Tensors

/// The ONNX operator RegexFullMatch.
struct RegexFullMatch: Evaluation {
  static let description = OperatorDescription(
    "RegexFullMatch", inputs: 1...1, support: "BYTES; the patterns that Swift's Regex reads"
  ) { reader in
    let pattern = try reader.required("pattern", try reader.string("pattern"))
    _ = try Self.regex(pattern)
    return RegexFullMatch(pattern: pattern)
  }

  let name = "RegexFullMatch"
  let pattern: String

  private static func regex(_ pattern: String) throws -> Regex<AnyRegexOutput> {
    guard let regex = try? Regex(pattern) else {
      throw ONNXError(.unsupported, "the pattern '\(pattern.prefix(200))'")
    }
    return regex.matchingSemantics(.unicodeScalar).wordBoundaryKind(.simple).asciiOnlyWordCharacters()
      .asciiOnlyDigits().asciiOnlyWhitespace()
  }

  func evaluate(_ node: EvaluationRequest) throws -> [Value?] {
    try node.require(0, [.bytes])
    let x = try node.input(0)
    let regex = try Self.regex(pattern)
    return [try node.tensor(x.shape, bools: x.strings().map { (try? regex.wholeMatch(in: $0)) != nil })]
  }
}

import Tensors

/// The operator Tokenizer of com.microsoft, which scikit-learn's text vectorizers are exported with: texts to
/// tokens, in rows filled up with a padding.
struct Tokenizer: Evaluation {
  static let description = OperatorDescription(
    "Tokenizer", domain: "com.microsoft", inputs: 1...1,
    support: "BYTES; separators or tokenexp, as patterns that Swift's Regex reads"
  ) { reader in
    let separators = try reader.strings("separators") ?? []
    let pattern = try reader.string("tokenexp") ?? ""
    guard separators.isEmpty != pattern.isEmpty else {
      throw ONNXError(.invalid, "separators and tokenexp; one of them is expected")
    }
    let operation = Tokenizer(
      separators: separators, pattern: pattern, isMarked: try reader.flag("mark", default: false),
      padding: Array(try reader.required("pad_value", try reader.string("pad_value")).utf8),
      shortest: try reader.int("mincharnum", default: 1))
    for pattern in separators + [pattern] where !pattern.isEmpty { _ = try Self.regex(pattern) }
    return operation
  }

  let name = "Tokenizer"
  /// Applied one after the other; an empty one alone splits into characters.
  let separators: [String]
  let pattern: String
  /// Whether 2 stands before the tokens of a text, and 3 behind them.
  let isMarked: Bool
  let padding: [UInt8]
  /// Characters of the shortest token that counts.
  let shortest: Int

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
    guard x.shape.rank == 1 || x.shape.rank == 2 else {
      throw ONNXError(.argument, "texts of shape \(x.shape), expected 1 or 2 dimensions")
    }
    let rows = try tokens(x.strings()).map { tokens -> [[UInt8]] in
      let texts = tokens.map { Array($0.utf8) }
      return isMarked ? [[2]] + texts + [[3]] : texts
    }
    let widest = rows.map(\.count).max() ?? 0
    let shape = try node.shape(Array(x.shape) + [widest])
    return [
      try node.tensor(
        shape, texts: rows.flatMap { $0 + Array(repeating: padding, count: widest - $0.count) })
    ]
  }

  private func tokens(_ texts: [String]) throws -> [[Substring]] {
    if separators == [""] {
      return texts.map { text in
        text.unicodeScalars.indices.map { index in
          text[index..<text.unicodeScalars.index(after: index)]
        }
      }
    }
    if !pattern.isEmpty {
      let regex = try Self.regex(pattern)
      return texts.map { text in text.matches(of: regex).map { text[$0.range] }.filter(isLong) }
    }
    let regexes = try separators.map { try Self.regex($0) }
    return texts.map { text in
      var parts = [text[...]]
      for regex in regexes { parts = parts.flatMap { $0.split(separator: regex) } }
      return parts.filter(isLong)
    }
  }

  private func isLong(_ token: Substring) -> Bool {
    !token.isEmpty && token.unicodeScalars.count >= shortest
  }
}

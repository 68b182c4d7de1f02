import Tensors

/// The ONNX operator StringSplit: parts of texts, in rows filled up with empty ones, and how many there are.
struct StringSplit: Evaluation {
  static let description = OperatorDescription("StringSplit", inputs: 1...1, outputs: 1...2, support: "BYTES")
  { reader in
    StringSplit(
      delimiter: Array((try reader.string("delimiter") ?? "").utf8), most: try reader.int("maxsplit"))
  }

  let name = "StringSplit"
  let delimiter: [UInt8]
  let most: Int?

  func evaluate(_ node: EvaluationRequest) throws -> [Value?] {
    try node.require(0, [.bytes])
    let x = try node.input(0)
    let parts = x.texts().map { delimiter.isEmpty ? words($0) : pieces($0) }
    let widest = parts.map(\.count).max() ?? 0
    let shape = try node.shape(Array(x.shape) + [widest])
    return [
      try node.tensor(shape, texts: parts.flatMap { $0 + Array(repeating: [], count: widest - $0.count) }),
      try node.tensor(.int64, x.shape, integers: parts.map(\.count)),
    ]
  }

  private static func isSpace(_ byte: UInt8) -> Bool { byte == 32 || (9...13).contains(byte) }

  /// The parts between runs of white space.
  private func words(_ text: [UInt8]) -> [[UInt8]] {
    var words: [[UInt8]] = []
    var rest = text[...].drop(while: Self.isSpace)
    while !rest.isEmpty {
      if let most, words.count == most {
        while let last = rest.last, Self.isSpace(last) { rest = rest.dropLast() }
        words.append(Array(rest))
        break
      }
      let word = rest.prefix { !Self.isSpace($0) }
      words.append(Array(word))
      rest = rest.dropFirst(word.count).drop(while: Self.isSpace)
    }
    return words
  }

  private func pieces(_ text: [UInt8]) -> [[UInt8]] {
    var pieces: [[UInt8]] = []
    var start = 0
    var place = 0
    while place + delimiter.count <= text.count, most.map({ pieces.count < $0 }) ?? true {
      if text[place..<place + delimiter.count].elementsEqual(delimiter) {
        pieces.append(Array(text[start..<place]))
        place += delimiter.count
        start = place
      } else {
        place += 1
      }
    }
    return pieces + [Array(text[start...])]
  }
}

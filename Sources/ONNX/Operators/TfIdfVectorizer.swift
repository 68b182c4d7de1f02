import Tensors

/// The ONNX operator TfIdfVectorizer: how often n-grams of a pool stand in rows of words or numbers.
struct TfIdfVectorizer: Evaluation {
  static let description = OperatorDescription(
    "TfIdfVectorizer", inputs: 1...1, support: "BYTES, INT32, INT64; TF, IDF, TFIDF; skips"
  ) { reader in try TfIdfVectorizer(reader) }

  let name = "TfIdfVectorizer"
  let shortest: Int
  let longest: Int
  let skips: Int
  let mode: String
  let weights: [Float]?
  /// The output's place of each n-gram.
  private let places: [[String]: Int]
  private let indexes: [Int]
  private let width: Int

  private init(_ reader: NodeReader) throws {
    shortest = try reader.required("min_gram_length", try reader.int("min_gram_length"))
    longest = try reader.required("max_gram_length", try reader.int("max_gram_length"))
    skips = try reader.required("max_skip_count", try reader.int("max_skip_count"))
    mode = try reader.required("mode", try reader.string("mode"))
    weights = try reader.floats("weights")
    let indexes = try reader.required("ngram_indexes", try reader.ints("ngram_indexes"))
    self.indexes = indexes
    let counts = try reader.required("ngram_counts", try reader.ints("ngram_counts"))
    let numbers = try reader.ints("pool_int64s").map { $0.map(String.init) }
    let pool = try reader.strings("pool_strings") ?? numbers ?? []
    guard (1...1024).contains(shortest), (shortest...1024).contains(longest), (0...1 << 16).contains(skips),
      ["TF", "IDF", "TFIDF"].contains(mode), weights?.count ?? indexes.count == indexes.count,
      indexes.allSatisfy({ $0 >= 0 && $0 < 1 << 30 }), counts.allSatisfy({ $0 >= 0 && $0 <= pool.count })
    else { throw ONNXError(.invalid, "gram lengths, mode, weights or indexes") }
    width = (indexes.max() ?? -1) + 1
    var places: [[String]: Int] = [:]
    var gram = 0
    for (length, start) in counts.enumerated() {
      let end = length + 1 < counts.count ? counts[length + 1] : pool.count
      for first in stride(from: start, to: end, by: length + 1) where first + length < pool.count {
        places[Array(pool[first...first + length])] = gram
        gram += 1
      }
    }
    guard gram == indexes.count else {
      throw ONNXError(.invalid, "\(gram) n-grams and \(indexes.count) indexes")
    }
    self.places = places
  }

  func infer(_ node: NodeFacts) throws -> [TensorFact] {
    let x = try node.input(0)
    guard x.rank == 1 || x.rank == 2 else { throw ONNXError(.invalid, "rows of shape \(x.shapeText)") }
    return [
      TensorFact(
        .fp32, x.dimensions.dropLast() + [Dimension(width)],
        rows: x.rank == 2 ? rowsOfImages(x, others: []) : node.rowsOfMixture)
    ]
  }

  func evaluate(_ node: EvaluationRequest) throws -> [Value?] {
    try node.require(0, [.bytes, .int32, .int64])
    let x = try node.input(0)
    guard x.shape.rank == 1 || x.shape.rank == 2 else {
      throw ONNXError(.invalid, "rows of shape \(x.shape)")
    }
    let words = x.datatype == .bytes ? x.strings() : x.integers().map(String.init)
    let length = x.shape[x.shape.rank - 1]
    let rows = x.shape.rank == 2 ? x.shape[0] : 1
    var result: [Float] = []
    for row in 0..<rows { result += vector(Array(words[row * length..<(row + 1) * length])) }
    return [try node.tensor(.fp32, Shape(x.shape.dropLast() + [width]), floats: result)]
  }

  private func vector(_ words: [String]) -> [Float] {
    var counts = [Int](repeating: 0, count: indexes.count)
    for length in shortest...longest {
      // A single word has no distance to the next one.
      for distance in 1...(length == 1 ? 1 : skips + 1) {
        let reach = (length - 1) * distance
        for start in 0..<max(words.count - reach, 0) {
          let gram = (0..<length).map { words[start + $0 * distance] }
          if let place = places[gram] { counts[place] += 1 }
        }
      }
    }
    var result = [Float](repeating: 0, count: width)
    for (gram, count) in counts.enumerated() where count > 0 {
      let weight = weights?[gram] ?? 1
      result[indexes[gram]] = mode == "TF" ? Float(count) : mode == "IDF" ? weight : Float(count) * weight
    }
    return result
  }
}

internal import Glibc

extension Reference {
  /// As `KernelTable.attention`.
  public static func attention(
    _ shape: AttentionShape, query: UnsafePointer<Float>, key: UnsafePointer<Float>,
    value: UnsafePointer<Float>, mask: AttentionMask? = nil, output: UnsafeMutablePointer<Float>
  ) {
    for batch in 0..<shape.batch {
      for head in 0..<shape.heads {
        let keyHead = head / (shape.heads / shape.keyHeads)
        let keys = key + batch * shape.key.batch + keyHead * shape.key.head
        let values = value + batch * shape.value.batch + keyHead * shape.value.head
        for row in 0..<shape.queries {
          let from = query + batch * shape.query.batch + head * shape.query.head + row * shape.query.row
          let to = output + batch * shape.output.batch + head * shape.output.head + row * shape.output.row
          var scores: [Double] = []
          for index in 0..<shape.keys {
            var sum = 0.0
            for element in 0..<shape.headSize {
              sum += Double(from[element]) * Double(keys[index * shape.key.row + element])
            }
            sum *= Double(shape.scale)
            if let mask { sum += Double(mask.bias(batch: batch, head: head, query: row, key: index)) }
            if let offset = shape.causalOffset, index > row + offset { sum = -.infinity }
            scores.append(sum)
          }
          let weights = softmax(scores)
          for element in 0..<shape.valueSize {
            var sum = 0.0
            for (index, weight) in weights.enumerated() {
              sum += weight * Double(values[index * shape.value.row + element])
            }
            to[element] = Float(sum)
          }
        }
      }
    }
  }

  /// Zeros where every score is −∞.
  private static func softmax(_ scores: [Double]) -> [Double] {
    let greatest = scores.max() ?? 0
    if greatest == -.infinity { return scores.map { _ in 0 } }
    let exponentials = scores.map { exp($0 - greatest) }
    let sum = exponentials.reduce(0, +)
    return exponentials.map { $0 / sum }
  }
}

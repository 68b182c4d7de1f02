import Glibc
import Kernels

/// Attention whose scores pass softcap · tanh(score / softcap), which the kernels do not have.
enum CappedAttention {
  static func run(
    _ shape: AttentionShape, softcap: Float, query: UnsafePointer<Float>, key: UnsafePointer<Float>,
    value: UnsafePointer<Float>, bias: [Float]?, output: UnsafeMutablePointer<Float>
  ) {
    var line = [Float](repeating: 0, count: shape.keys)
    for head in 0..<shape.heads {
      let group = head / (shape.heads / shape.keyHeads)
      for row in 0..<shape.queries {
        let q = query + head * shape.query.head + row * shape.query.row
        let visible = shape.causalOffset.map { min(shape.keys, max(0, row + 1 + $0)) } ?? shape.keys
        var greatest = -Float.infinity
        for column in 0..<visible {
          let k = key + group * shape.key.head + column * shape.key.row
          var sum: Float = 0
          for index in 0..<shape.headSize { sum += q[index] * k[index] }
          var score = softcap * tanhf(sum * shape.scale / softcap)
          if let bias { score += bias[(head * shape.queries + row) * shape.keys + column] }
          line[column] = score
          greatest = max(greatest, score)
        }
        let result = output + head * shape.output.head + row * shape.output.row
        for index in 0..<shape.valueSize { result[index] = 0 }
        if greatest == -.infinity { continue }
        var sum: Float = 0
        for column in 0..<visible {
          let chance = expf(line[column] - greatest)
          sum += chance
          let v = value + group * shape.value.head + column * shape.value.row
          for index in 0..<shape.valueSize { result[index] += chance * v[index] }
        }
        for index in 0..<shape.valueSize { result[index] /= sum }
      }
    }
  }
}

import Tensors

/// The ONNX operator StringConcat, with broadcasting.
struct StringConcat: Evaluation {
  static let description = OperatorDescription("StringConcat", inputs: 2...2, support: "BYTES; broadcasting")
  { _ in
    StringConcat()
  }

  let name = "StringConcat"

  func evaluate(_ node: EvaluationRequest) throws -> [Value?] {
    for index in 0..<2 { try node.require(index, [.bytes]) }
    let (a, b) = (try node.input(0), try node.input(1))
    let rank = max(a.shape.rank, b.shape.rank)
    var sizes = [Int](repeating: 1, count: rank)
    for axis in 0..<rank {
      let x = axis < rank - a.shape.rank ? 1 : a.shape[axis - (rank - a.shape.rank)]
      let y = axis < rank - b.shape.rank ? 1 : b.shape[axis - (rank - b.shape.rank)]
      guard x == y || x == 1 || y == 1 else {
        throw ONNXError(.invalid, "shapes \(a.shape) and \(b.shape) do not broadcast")
      }
      sizes[axis] = x == 1 ? y : x
    }
    let shape = try node.shape(sizes)
    let (left, right) = (BroadcastIndex(a.shape, to: shape), BroadcastIndex(b.shape, to: shape))
    let (first, second) = (a.texts(), b.texts())
    return [
      try node.tensor(shape, texts: (0..<(try node.count(shape))).map { first[left[$0]] + second[right[$0]] })
    ]
  }
}

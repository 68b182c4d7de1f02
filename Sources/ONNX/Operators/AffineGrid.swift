import Tensors

/// The ONNX operator AffineGrid: the grid that an affine map of an image or volume makes.
struct AffineGrid: Evaluation {
  static let description = OperatorDescription(
    "AffineGrid", inputs: 2...2, support: "FP16, BF16, FP32, FP64; images and volumes"
  ) { reader in AffineGrid(alignsCorners: try reader.flag("align_corners", default: false)) }

  let name = "AffineGrid"
  let alignsCorners: Bool

  func evaluate(_ node: EvaluationRequest) throws -> [Value?] {
    try node.requireFloat(0)
    let theta = try node.input(0)
    let size = try node.integers(1)
    let rank = size.count - 2
    guard rank == 2 || rank == 3, theta.shape == [size[0], rank, rank + 1] else {
      throw ONNXError(.invalid, "maps of shape \(theta.shape) for a size of \(size)")
    }
    let shape = try node.shape([size[0]] + size[2...] + [rank])
    let map = theta.doubles()
    var values: [Double] = []
    values.reserveCapacity(try node.count(shape))
    Shape([size[0]] + size[2...]).forEachPlace { _, index in
      // Coordinates begin with the innermost axis.
      let point = (0..<rank).map { axis -> Double in
        let (place, length) = (Double(index[rank - axis]), Double(size[size.count - 1 - axis]))
        if alignsCorners { return length > 1 ? -1 + 2 * place / (length - 1) : 0 }
        return (2 * place + 1) / length - 1
      }
      for row in 0..<rank {
        let first = (index[0] * rank + row) * (rank + 1)
        values.append((0..<rank).reduce(map[first + rank]) { $0 + map[first + $1] * point[$1] })
      }
    }
    return [try node.tensor(theta.datatype, shape, values)]
  }
}

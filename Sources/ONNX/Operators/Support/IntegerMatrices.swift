import Kernels
import Tensors

/// Products of matrices of 8 bits with zero points, exact.
struct IntegerMatrices {
  let a: Tensor
  let b: Tensor
  let aZero: Tensor?
  let bZero: Tensor?

  static let datatypes: [Datatype] = [.int8, .uint8]

  /// The shape of the product.
  static func shape(_ a: Shape, _ b: Shape) throws -> Shape {
    guard a.rank >= 1, b.rank >= 1, a[a.rank - 1] == b[max(b.rank - 2, 0)] else {
      throw ONNXError(.invalid, "shapes \(a) and \(b) of matrices that do not meet")
    }
    let batches = try broadcast(Array(a.dropLast(2)), Array(b.dropLast(2)))
    let sizes = batches + (a.rank > 1 ? [a[a.rank - 2]] : []) + (b.rank > 1 ? [b[b.rank - 1]] : [])
    guard sizes.count <= Shape.maximumRank else { throw ONNXError(.limit, "\(sizes.count) dimensions") }
    return Shape(sizes)
  }

  private static func broadcast(_ a: [Int], _ b: [Int]) throws -> [Int] {
    let rank = max(a.count, b.count)
    return try (0..<rank).map { axis in
      let x = axis < rank - a.count ? 1 : a[axis - (rank - a.count)]
      let y = axis < rank - b.count ? 1 : b[axis - (rank - b.count)]
      guard x == y || x == 1 || y == 1 else {
        throw ONNXError(.invalid, "batches \(a) and \(b) do not broadcast")
      }
      return x == 1 ? y : x
    }
  }

  /// The sums, as doubles: exact, since they are far below 2^53.
  func product(_ node: EvaluationRequest) throws -> (shape: Shape, values: [Double]) {
    let shape = try Self.shape(a.shape, b.shape)
    let k = a.shape[a.shape.rank - 1]
    let m = a.shape.rank > 1 ? a.shape[a.shape.rank - 2] : 1
    let n = b.shape.rank > 1 ? b.shape[b.shape.rank - 1] : 1
    let x = try centred(a, aZero, perRow: true, inner: k)
    let y = try centred(b, bZero, perRow: false, inner: n)
    let batch = Shape(shape.dropLast((a.shape.rank > 1 ? 1 : 0) + (b.shape.rank > 1 ? 1 : 0)))
    let left = BroadcastIndex(Shape(a.shape.dropLast(2)), to: batch)
    let right = BroadcastIndex(Shape(b.shape.dropLast(2)), to: batch)
    var values = [Double](repeating: 0, count: try node.count(shape))
    for index in 0..<(batch.elementCount ?? 0) {
      let (first, second) = (left[index] * m * k, right[index] * k * n)
      for row in 0..<m {
        for column in 0..<n {
          var sum = 0
          for place in 0..<k { sum += x[first + row * k + place] * y[second + place * n + column] }
          values[(index * m + row) * n + column] = Double(sum)
        }
      }
    }
    return (shape, values)
  }

  /// The elements without their zero points, of which there is one, or one a row or column.
  private func centred(_ x: Tensor, _ zero: Tensor?, perRow: Bool, inner: Int) throws -> [Int] {
    let values = x.integers()
    guard let zero else { return values }
    let zeros = zero.integers()
    if zeros.count == 1 { return values.map { $0 - zeros[0] } }
    let count = perRow ? x.shape[max(x.shape.rank - 2, 0)] : inner
    if zeros.count == count {
      return values.enumerated().map { $1 - zeros[perRow ? $0 / inner % count : $0 % inner] }
    }
    // One a row or column of each matrix of the batch.
    guard zeros.count * (perRow ? inner : x.shape[max(x.shape.rank - 2, 0)]) == values.count else {
      throw ONNXError(.invalid, "\(zeros.count) zero points for a matrix of shape \(x.shape)")
    }
    let rows = x.shape[max(x.shape.rank - 2, 0)]
    return values.enumerated().map {
      $1 - zeros[perRow ? $0 / inner : $0 / (inner * rows) * inner + $0 % inner]
    }
  }
}

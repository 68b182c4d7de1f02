import Glibc
import Tensors

/// Poolings that no kernel has: the place of the greatest element, norms, datatypes other than FP32.
struct WindowPool: Evaluation {
  enum Kind: Sendable {
    /// With places counted down the columns when `columnMajor`.
    case maximum(columnMajor: Bool)
    case norm(Int)
  }

  let name: String
  let kind: Kind
  let window: WindowAttributes

  func infer(_ node: NodeFacts) throws -> [TensorFact] {
    let x = try node.input(0)
    guard x.rank >= 3 else { throw ONNXError(.invalid, "an image of \(x.rank) dimensions") }
    let spatial = try window.window(rank: x.rank - 2).outputDimensions(x.dimensions[2...], node)
    let fact = TensorFact(x.datatype, x.dimensions[..<2] + spatial, rows: rowsOfImages(x, others: []))
    var places = fact
    places.datatype = .int64
    // Places count from the start of the whole batch.
    if places.rows != .shared { places.rows = .mixed }
    return [fact, places]
  }

  func evaluate(_ node: EvaluationRequest) throws -> [Value?] {
    try node.requireNumber(0)
    let x = try node.input(0)
    guard x.shape.rank >= 3 else { throw ONNXError(.invalid, "an image of shape \(x.shape)") }
    let spatial = Shape(x.shape[2...])
    let window = try window.window(rank: spatial.rank)
    let extents = Shape(try spatial.indices.map { try window.outputExtent($0, spatial[$0]) })
    let shape = try node.shape(Array(x.shape[..<2]) + Array(extents))
    let values = x.doubles()
    let plane = spatial.elementCount ?? 0
    var (result, places): ([Double], [Int]) = ([], [])
    for image in 0..<x.shape[0] * x.shape[1] {
      extents.forEachPlace { _, place in
        let (value, source) = self.pooled(values, image * plane, spatial, window, place)
        result.append(value)
        places.append(source + image * plane)
      }
    }
    let output =
      x.isFloat
      ? try node.tensor(x.datatype, shape, result)
      : try node.tensor(x.datatype, shape, integers: result.map { Int($0) })
    return [output, node.wants(1) ? try node.tensor(.int64, shape, integers: places) : nil]
  }

  /// The value of one window, and where in the plane its greatest element lies.
  private func pooled(
    _ values: [Double], _ first: Int, _ spatial: Shape, _ window: Window, _ place: [Int]
  ) -> (Double, Int) {
    var (best, source, sum) = (-Double.infinity, 0, 0.0)
    let strides = spatial.strides
    Shape(window.kernel).forEachPlace { _, tap in
      var offset = 0
      for axis in tap.indices {
        let begin = window.pads(axis, extent: spatial[axis]).before
        let at = place[axis] * window.strides[axis] + tap[axis] * window.dilations[axis] - begin
        if at < 0 || at >= spatial[axis] { return }
        offset += at * strides[axis]
      }
      let value = values[first + offset]
      if value > best || value.isNaN { (best, source) = (value, offset) }
      if case .norm(let p) = kind { sum += pow(abs(value), Double(p)) }
    }
    switch kind {
    case .maximum(let columnMajor): return (best, columnMajor ? transposed(source, spatial) : source)
    case .norm(let p): return (pow(sum, 1 / Double(p)), source)
    }
  }

  private func transposed(_ place: Int, _ spatial: Shape) -> Int {
    var (rest, result, step) = (place, 0, spatial.elementCount ?? 0)
    for axis in spatial.indices.reversed() {
      step /= max(spatial[axis], 1)
      result += rest % spatial[axis] * step
      rest /= spatial[axis]
    }
    return result
  }
}

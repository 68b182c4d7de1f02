import Tensors

/// Tensors made by picking elements of another: what most operators that move data do.
extension EvaluationRequest {
  /// The elements of `x` at `places`, row-major, in a tensor of `shape`; zero (or no text) where a place
  /// is negative. Precondition: as many places as elements, none beyond those of `x`.
  func selection(of x: Tensor, at places: [Int], shape: Shape) throws -> Value {
    let y = try Tensor.make(x.datatype, shape, engine.limits)
    precondition(places.count == y.elementCount, "another number of places")
    switch x.datatype.byteCount {
    case 1: select(x, y, places, UInt8(0))
    case 2: select(x, y, places, UInt16(0))
    case 4: select(x, y, places, UInt32(0))
    case 8: select(x, y, places, UInt64(0))
    default:
      select(x, y, places, BytesElement(data: nil, count: 0))
      return .tensor(try y.packed(engine.limits))
    }
    return .tensor(y)
  }

  private func select<Element>(_ x: Tensor, _ y: Tensor, _ places: [Int], _ zero: Element) {
    let source = x.elements(as: Element.self)
    let target = y.elements(as: Element.self)
    for (index, place) in places.enumerated() { target[index] = place < 0 ? zero : source[place] }
  }

  /// A copy of `x` whose elements may be written.
  func copy(of x: Tensor) throws -> Tensor {
    let y = try Tensor.make(x.datatype, x.shape, engine.limits)
    y.data.copyMemory(from: x.data, byteCount: x.byteCount)
    return x.datatype == .bytes ? try y.packed(engine.limits) : y
  }

  /// Counts the elements of a shape that may be as large as the model says.
  func count(_ shape: Shape) throws -> Int {
    guard let count = shape.elementCount, count <= engine.limits.evaluatedElements else {
      throw ONNXError(
        .limit, "a tensor of shape \(shape), beyond \(engine.limits.evaluatedElements) elements")
    }
    return count
  }

  /// A shape out of sizes that the model or a caller gives.
  func shape(_ sizes: [Int]) throws -> Shape {
    guard sizes.count <= Shape.maximumRank else {
      throw ONNXError(
        .limit, "a tensor of \(sizes.count) dimensions; at most \(Shape.maximumRank) are supported")
    }
    guard sizes.allSatisfy({ $0 >= 0 }) else { throw ONNXError(.invalid, "a shape of \(sizes)") }
    let shape = Shape(sizes)
    _ = try count(shape)
    return shape
  }
}

extension Shape {
  /// Calls `body` with the indices of each place, in row-major order.
  func forEachPlace(_ body: (_ place: Int, _ index: [Int]) throws -> Void) rethrows {
    guard let count = elementCount, count > 0 else { return }
    var index = [Int](repeating: 0, count: rank)
    for place in 0..<count {
      try body(place, index)
      var axis = rank - 1
      while axis >= 0 {
        index[axis] += 1
        if index[axis] < self[axis] { break }
        index[axis] = 0
        axis -= 1
      }
    }
  }

  /// Elements from one place of each axis to the next in a dense tensor.
  var strides: [Int] { Array(StridedCopy.denseStrides(self)) }

  /// The product of the sizes of some axes.
  func count(_ range: Range<Int>) -> Int { range.reduce(1) { $0 * self[$1] } }
}

import Tensors

/// Where the element of an operand lies that belongs to an element of a larger, broadcast shape.
struct BroadcastIndex: Sendable {
  private let strides: Shape
  private let shape: Shape
  private let isSame: Bool

  /// Precondition: `operand` broadcasts to `shape`.
  init(_ operand: Shape, to shape: Shape) {
    self.shape = shape
    isSame = operand.elementCount == shape.elementCount
    strides = BroadcastIndex.strides(operand, to: shape)
  }

  subscript(index: Int) -> Int {
    if isSame { return index }
    var rest = index
    var offset = 0
    for axis in stride(from: shape.rank - 1, through: 0, by: -1) {
      offset += rest % shape[axis] * strides[axis]
      rest /= shape[axis]
    }
    return offset
  }

  /// Elements from one place of each axis of `shape` to the next, 0 where the operand repeats.
  static func strides(_ operand: Shape, to shape: Shape) -> Shape {
    var strides = shape
    var step = 1
    for axis in stride(from: shape.rank - 1, through: 0, by: -1) {
      let own = axis - (shape.rank - operand.rank)
      if own < 0 || operand[own] == 1 {
        strides[axis] = 0
      } else {
        strides[axis] = step
        step *= operand[own]
      }
    }
    return strides
  }
}

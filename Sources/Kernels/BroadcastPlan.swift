internal import Tensors

/// A broadcast operation as rows: the inner dimensions, along which each operand either goes on or stays,
/// are one; the outer ones are counted.
struct BroadcastPlan {
  /// Elements of a row of the result, and the operands' steps along it (1 or 0).
  let rowLength: Int
  let aInner: Int
  let bInner: Int
  let rows: Int
  /// The outer dimensions of the result, and the operands' strides along them.
  private let outer: Shape
  private let aStrides: Shape
  private let bStrides: Shape

  init(_ a: Shape, _ b: Shape, _ y: Shape) {
    let rank = y.rank
    let aSteps = BroadcastPlan.strides(a, rank)
    let bSteps = BroadcastPlan.strides(b, rank)
    var axis = rank
    var length = 1
    var steps: (Int, Int)?
    while axis > 0 {
      let extent = y[axis - 1]
      if extent != 1 {
        let goesOn = (aSteps[axis - 1] == 0 ? 0 : 1, bSteps[axis - 1] == 0 ? 0 : 1)
        if let steps, steps != goesOn { break }
        steps = goesOn
      }
      length *= extent
      axis -= 1
    }
    rowLength = length
    aInner = steps?.0 ?? 1
    bInner = steps?.1 ?? 1
    var outer = Shape()
    var aStrides = Shape()
    var bStrides = Shape()
    for index in 0..<axis {
      outer.append(y[index])
      aStrides.append(aSteps[index])
      bStrides.append(bSteps[index])
    }
    self.outer = outer
    self.aStrides = aStrides
    self.bStrides = bStrides
    rows = outer.elementCount ?? 0
  }

  /// Where the operands' parts for a row of the result begin.
  func offsets(row: Int) -> (a: Int, b: Int) {
    var rest = row
    var a = 0
    var b = 0
    for inward in 0..<outer.rank {
      let axis = outer.rank - 1 - inward
      let position = rest % outer[axis]
      rest /= outer[axis]
      a += position * aStrides[axis]
      b += position * bStrides[axis]
    }
    return (a, b)
  }

  /// Row-major strides with `rank` dimensions, 0 along those of extent 1.
  private static func strides(_ shape: Shape, _ rank: Int) -> Shape {
    var strides = Shape()
    for _ in 0..<rank { strides.append(0) }
    var step = 1
    for inward in 0..<rank {
      let axis = rank - 1 - inward
      let extent = shape.extent(axis, ofRank: rank)
      strides[axis] = extent == 1 ? 0 : step
      step *= extent
    }
    return strides
  }
}

internal import Tensors

/// A permutation of dimensions, reduced to what must move: extents of 1 are gone, and dimensions that
/// stay neighbours are one.
struct TransposePlan {
  /// The result's extents, and the steps in the source along them, in elements.
  let extents: Shape
  let steps: Shape

  init(_ shape: Shape, _ permutation: Shape) {
    var sourceSteps = Shape(repeatElement(1, count: shape.rank))
    var step = 1
    for axis in stride(from: shape.rank - 1, through: 0, by: -1) {
      sourceSteps[axis] = step
      step *= shape[axis]
    }
    var extents = Shape()
    var steps = Shape()
    for axis in permutation where shape[axis] != 1 {
      let last = extents.rank - 1
      if last >= 0, steps[last] == sourceSteps[axis] * shape[axis] {
        extents[last] *= shape[axis]
        steps[last] = sourceSteps[axis]
      } else {
        extents.append(shape[axis])
        steps.append(sourceSteps[axis])
      }
    }
    if extents.rank == 0 {
      extents.append(1)
      steps.append(1)
    }
    self.extents = extents
    self.steps = steps
  }

  /// The axis of the result that is contiguous in the source.
  var contiguousAxis: Int { steps.firstIndex(of: 1) ?? extents.rank - 1 }

  /// Row-major strides of the result.
  func resultStep(_ axis: Int) -> Int {
    var step = 1
    for later in (axis + 1)..<max(extents.rank, axis + 1) { step *= extents[later] }
    return step
  }
}

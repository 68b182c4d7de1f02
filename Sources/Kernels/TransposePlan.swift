internal import Tensors

/// A permutation of dimensions, reduced to what must move: extents of 1 are gone, and dimensions that
/// stay neighbours are one.
struct TransposePlan {
  /// The result's extents, and the steps in the source along them, in elements.
  let extents: Shape
  let steps: Shape

  init(_ shape: Shape, _ permutation: Shape) {
    var sourceSteps = shape
    var step = 1
    for inward in 0..<shape.rank {
      let axis = shape.rank - 1 - inward
      sourceSteps[axis] = step
      step *= shape[axis]
    }
    var extents = Shape()
    var steps = Shape()
    for index in 0..<permutation.rank {
      let axis = permutation[index]
      if shape[axis] == 1 { continue }
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
  var contiguousAxis: Int {
    for axis in 0..<steps.rank where steps[axis] == 1 { return axis }
    return steps.rank - 1
  }

  /// Row-major strides of the result.
  func resultStep(_ axis: Int) -> Int {
    var step = 1
    for later in (axis + 1)..<max(extents.rank, axis + 1) { step *= extents[later] }
    return step
  }
}

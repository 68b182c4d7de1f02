import Tensors

/// A loop over the elements of two broadcast operands.
enum PairLoop {
  /// output[i] = function(a[i], b[i]). Precondition: the types are those of the operands.
  static func step<A, B, Result>(
    _ node: StepRequest, _ placement: LegacyBroadcast = .none,
    _ function: @escaping @Sendable (A, B) throws -> Result
  ) throws -> Step {
    let (a, b) = (try node.input(0), try node.input(1))
    let y = try node.output()
    let left = BroadcastIndex(a.shape, to: y.shape)
    let right = BroadcastIndex(placement.placed(b.shape, in: a.shape.rank), to: y.shape)
    return Step { memory in
      let x = memory.elements(a, as: A.self)
      let z = memory.elements(b, as: B.self)
      let result = memory.elements(y, as: Result.self)
      for index in 0..<y.count { result[index] = try function(x[left[index]], z[right[index]]) }
    }
  }
}

extension Reference {
  /// y[o, i, n] = x[o, indices[i], n] of float32 values.
  public static func gather(
    _ x: UnsafePointer<Float>, outer: Int, length: Int, inner: Int, indices: UnsafePointer<Int64>, count: Int,
    _ y: UnsafeMutablePointer<Float>
  ) {
    for block in 0..<outer {
      for index in 0..<count {
        let place = (Int(indices[index]) + length) % length
        for element in 0..<inner {
          y[(block * count + index) * inner + element] = x[(block * length + place) * inner + element]
        }
      }
    }
  }

  /// y[o, indices[i], n] = x[o, i, n], one update after the other.
  public static func scatter(
    _ reduction: ScatterReduction, _ x: UnsafePointer<Float>, outer: Int, length: Int, inner: Int,
    indices: UnsafePointer<Int64>, count: Int, _ y: UnsafeMutablePointer<Float>
  ) {
    for block in 0..<outer {
      for index in 0..<count {
        let place = (Int(indices[index]) + length) % length
        for element in 0..<inner {
          let target = (block * length + place) * inner + element
          let update = x[(block * count + index) * inner + element]
          switch reduction {
          case .replace: y[target] = update
          case .combine(let operation): y[target] = apply(operation, y[target], update)
          }
        }
      }
    }
  }
}

public import Tensors

extension Reference {
  public static func pool(
    _ pooling: Pooling, _ input: UnsafePointer<Float>, planes: Int, spatial: Shape,
    output: UnsafeMutablePointer<Float>
  ) {
    guard let outputShape = pooling.outputShape(spatial), let inputCount = spatial.elementCount,
      let outputCount = outputShape.elementCount
    else { return }
    for plane in 0..<planes {
      for position in 0..<outputCount {
        output[plane * outputCount + position] = poolWindow(
          pooling, input + plane * inputCount, spatial, position: position, outputShape)
      }
    }
  }

  private static func poolWindow(
    _ pooling: Pooling, _ plane: UnsafePointer<Float>, _ spatial: Shape, position: Int, _ outputShape: Shape
  ) -> Float {
    let rank = spatial.rank
    let windowCount = pooling.window.elementCount ?? 0
    var greatest = -Float.infinity
    var sum = 0.0
    var count = 0
    for element in 0..<windowCount {
      var offset = 0
      var isInside = true
      var isPadded = true
      for axis in 0..<rank {
        let out = coordinate(position, axis, outputShape)
        let tap = coordinate(element, axis, pooling.window)
        let at = out * pooling.strides[axis] + tap * pooling.dilations[axis] - pooling.padsBefore[axis]
        isInside = isInside && at >= 0 && at < spatial[axis]
        isPadded = isPadded && at < spatial[axis] + pooling.padsAfter[axis]
        offset = offset * spatial[axis] + at
      }
      if isInside {
        greatest = maximum(greatest, plane[offset])
        sum += Double(plane[offset])
      }
      if isInside || (isPadded && pooling.kind == .average(countsPadding: true)) { count += 1 }
    }
    if pooling.kind == .max { return greatest }
    return count == 0 ? 0 : Float(sum / Double(count))
  }

  /// The coordinate along `axis` of the element numbered `index` of a row-major tensor.
  static func coordinate(_ index: Int, _ axis: Int, _ shape: Shape) -> Int {
    var inner = 1
    for later in (axis + 1)..<max(shape.rank, axis + 1) { inner *= shape[later] }
    return index / inner % shape[axis]
  }
}

public import CKernels

extension Level {
  /// Pools `planes` images of up to three dimensions, one after the other.
  ///
  /// Neighbouring outputs are the lanes, where the window's columns are few and its stride is 1 or 2;
  /// otherwise the outputs go one by one.
  public static func pool(
    _ pooling: UnsafePointer<kernels_pooling>, _ input: UnsafePointer<Float>,
    _ output: UnsafeMutablePointer<Float>, planes: Int
  ) {
    let wide = pooling.pointee.x
    let isMaximum = pooling.pointee.is_maximum
    // Either factor may be huge, where the window has one column.
    let isNarrow =
      wide.kernel <= Int64(KERNELS_POOLING_REACH) && wide.dilation <= Int64(KERNELS_POOLING_REACH)
      && (wide.kernel - 1) * wide.dilation < Int64(KERNELS_POOLING_REACH)
    let hasFewRows =
      pooling.pointee.z.kernel <= Int64(KERNELS_POOLING_ROWS)
      && pooling.pointee.y.kernel <= Int64(KERNELS_POOLING_ROWS)
      && pooling.pointee.z.kernel * pooling.pointee.y.kernel <= Int64(KERNELS_POOLING_ROWS)
    guard isNarrow, hasFewRows, wide.stride == 1 || wide.stride == 2 else {
      poolWindows(pooling, input, output, planes: planes)
      return
    }
    var column: Int64 = 0
    while column < wide.output {
      switch (wide.stride, isMaximum) {
      case (1, true): kernels_pooling_columns(pooling, input, output, Int64(planes), column, 1, true)
      case (1, false): kernels_pooling_columns(pooling, input, output, Int64(planes), column, 1, false)
      case (2, true): kernels_pooling_columns(pooling, input, output, Int64(planes), column, 2, true)
      default: kernels_pooling_columns(pooling, input, output, Int64(planes), column, 2, false)
      }
      column += Int64(KERNELS_POOLING_OUTPUTS)
    }
  }
}

private func poolWindows(
  _ pooling: UnsafePointer<kernels_pooling>, _ input: UnsafePointer<Float>,
  _ output: UnsafeMutablePointer<Float>, planes: Int
) {
  let (deep, high, wide) = (pooling.pointee.z, pooling.pointee.y, pooling.pointee.x)
  let plane = Int(deep.input * high.input * wide.input)
  var target = output
  for index in 0..<planes {
    var z: Int64 = 0
    while z < deep.output {
      var y: Int64 = 0
      while y < high.output {
        var x: Int64 = 0
        while x < wide.output {
          target.pointee = kernels_pooling_window(pooling, input + index * plane, z, y, x)
          target += 1
          x += 1
        }
        y += 1
      }
      z += 1
    }
  }
}

internal import CKernels
public import Tensors

/// What a pooling does, apart from the size of its input. One to three spatial dimensions.
public struct Pooling: Sendable, Hashable {
  public enum Kind: Sendable, Hashable {
    case max
    /// With `countsPadding`, padded positions count as zeros (ONNX `count_include_pad`); those that
    /// only `roundsUp` adds beyond the padding never count.
    case average(countsPadding: Bool)
  }

  public var kind: Kind
  /// One extent a spatial dimension, as all the following.
  public var window: Shape
  public var strides: Shape
  public var padsBefore: Shape
  public var padsAfter: Shape
  public var dilations: Shape
  /// The output covers a last, incomplete window too (ONNX `ceil_mode`), if it begins within the input
  /// or its leading padding.
  public var roundsUp = false

  /// Strides and dilations of 1, no padding; set others afterwards.
  public init(_ kind: Kind, window: Shape) {
    self.kind = kind
    self.window = window
    let ones = Shape(repeatElement(1, count: window.rank))
    let zeros = Shape(repeatElement(0, count: window.rank))
    strides = ones
    dilations = ones
    padsBefore = zeros
    padsAfter = zeros
  }

  /// The output's spatial shape; nil if the ranks differ or exceed three, a parameter is out of its
  /// range, or the window is larger than the padded input.
  public func outputShape(_ input: Shape) -> Shape? {
    let rank = window.rank
    guard (1...3).contains(rank), input.rank == rank, strides.rank == rank, dilations.rank == rank,
      padsBefore.rank == rank, padsAfter.rank == rank
    else { return nil }
    var output = Shape()
    for axis in 0..<rank {
      guard
        var extent = ConvolutionParameters.outputExtent(
          input[axis], kernel: window[axis], stride: strides[axis], dilation: dilations[axis],
          pads: (padsBefore[axis], padsAfter[axis]), ceiling: roundsUp)
      else { return nil }
      // The last window must begin before the trailing padding. The first always does.
      let (start, overflow) = (extent - 1).multipliedReportingOverflow(by: strides[axis])
      if roundsUp, extent > 1, overflow || start >= input[axis] + padsBefore[axis] { extent -= 1 }
      output.append(extent)
    }
    return output
  }
}

extension KernelTable {
  /// Pools each of `planes` images of the shape `spatial`: [batch · channels, spatial…], channels first.
  ///
  /// - Parameter output: [planes, `pooling.outputShape(spatial)`…]. A maximum over padding only is −∞,
  ///   an average over nothing is 0.
  public func pool(
    _ pooling: Pooling, _ input: UnsafePointer<Float>, planes: Int, spatial: Shape,
    output: UnsafeMutablePointer<Float>, team: ThreadTeam
  ) {
    guard planes > 0, let outputShape = pooling.outputShape(spatial),
      let inputCount = spatial.elementCount, let outputCount = outputShape.elementCount
    else { return }
    if pooling.isWhole(spatial) {
      // A window that is the image: a reduction.
      let isMaximum = pooling.kind == .max
      reduce(isMaximum ? .maximum : .mean, input, output, outer: planes, length: inputCount, team: team)
      return
    }
    let code = kernels_pooling(pooling, spatial, outputShape)
    forEachRow(planes, length: inputCount, team) { range in
      withUnsafePointer(to: code) {
        level.pool(
          $0, input + range.lowerBound * inputCount, output + range.lowerBound * outputCount,
          planes: range.count)
      }
    }
  }
}

extension Pooling {
  /// Its one window covers the image exactly.
  fileprivate func isWhole(_ spatial: Shape) -> Bool {
    for axis in 0..<spatial.rank {
      let isPadded = padsBefore[axis] != 0 || padsAfter[axis] != 0
      if window[axis] != spatial[axis] || window[axis] == 0 || isPadded || dilations[axis] != 1 {
        return false
      }
    }
    return true
  }

  /// The axis numbered `index` of the image; one of extent 1 for those before the first.
  fileprivate func axis(_ index: Int, _ spatial: Shape, _ output: Shape) -> kernels_pooling_axis {
    if index < 0 {
      return kernels_pooling_axis(
        input: 1, output: 1, kernel: 1, stride: 1, dilation: 1, pad_before: 0, counted_end: 1)
    }
    var countsPadding = false
    if case .average(countsPadding: true) = kind { countsPadding = true }
    // A stride that is never taken may be huge.
    return kernels_pooling_axis(
      input: Int64(spatial[index]), output: Int64(output[index]), kernel: Int64(window[index]),
      stride: output[index] > 1 ? Int64(strides[index]) : 1,
      dilation: window[index] > 1 ? Int64(dilations[index]) : 1, pad_before: Int64(padsBefore[index]),
      counted_end: Int64(spatial[index] + (countsPadding ? padsAfter[index] : 0)))
  }
}

extension kernels_pooling {
  /// The first of three dimensions are of extent 1 where there are fewer.
  fileprivate init(_ pooling: Pooling, _ spatial: Shape, _ output: Shape) {
    self.init()
    let last = spatial.rank - 1
    z = pooling.axis(last - 2, spatial, output)
    y = pooling.axis(last - 1, spatial, output)
    x = pooling.axis(last, spatial, output)
    switch pooling.kind {
    case .max: is_maximum = true
    case .average(let countsPadding): counts_padding = countsPadding
    }
  }
}

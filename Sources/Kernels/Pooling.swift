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
    guard let window = kernels_window(pooling, spatial) else {
      Reference.pool(pooling, input, planes: planes, spatial: spatial, output: output)
      return
    }
    let last = pooling.padsAfter.rank - 1
    let countsPadding = pooling.kind == .average(countsPadding: true)
    let padRight = countsPadding ? pooling.padsAfter[last] : -1
    let padBottom = countsPadding ? (last > 0 ? pooling.padsAfter[0] : 0) : -1
    forEachRow(planes, length: window.inputPlane, team) { range in
      withUnsafePointer(to: window) { window in
        for plane in range {
          level.poolPlane(
            window, isMaximum: pooling.kind == .max, padBottom: padBottom, padRight: padRight,
            input + plane * window.pointee.inputPlane, output + plane * window.pointee.outputPlane)
        }
      }
    }
  }
}

extension kernels_window {
  /// Nil for what the two-dimensional kernel does not take: three dimensions, or a very wide window.
  fileprivate init?(_ pooling: Pooling, _ spatial: Shape) {
    guard let output = pooling.outputShape(spatial), spatial.rank <= 2 else { return nil }
    let last = spatial.rank - 1
    let (reach, overflow) = (pooling.window[last] - 1).multipliedReportingOverflow(
      by: pooling.dilations[last])
    guard !overflow, reach <= 300, pooling.strides[last] <= 100 else { return nil }
    func vertical(_ shape: Shape, _ missing: Int) -> Int64 { Int64(last > 0 ? shape[0] : missing) }
    self.init(
      height: vertical(spatial, 1), width: Int64(spatial[last]), out_height: vertical(output, 1),
      out_width: Int64(output[last]), kernel_height: vertical(pooling.window, 1),
      kernel_width: Int64(pooling.window[last]), stride_y: vertical(pooling.strides, 1),
      stride_x: Int64(pooling.strides[last]), dilation_y: vertical(pooling.dilations, 1),
      dilation_x: Int64(pooling.dilations[last]), pad_top: vertical(pooling.padsBefore, 0),
      pad_left: Int64(pooling.padsBefore[last]))
  }
}

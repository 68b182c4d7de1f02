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
      if roundsUp, (extent - 1) * strides[axis] >= input[axis] + padsBefore[axis] { extent -= 1 }
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
    Reference.pool(pooling, input, planes: planes, spatial: spatial, output: output)
  }
}

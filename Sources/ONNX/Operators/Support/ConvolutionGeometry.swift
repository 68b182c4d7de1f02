import Kernels
import Tensors

/// The sizes of one convolution as the kernels take them: of the two innermost axes, and of the depth axis
/// that a volume has before them.
struct ConvolutionGeometry: Sendable {
  let parameters: ConvolutionParameters
  /// Of a volume; nil for images and lines.
  let volume: VolumeParameters?
  let batch: Int
  let depth: Int
  let height: Int
  let width: Int

  init(_ attributes: WindowAttributes, _ groups: Int, image: Shape, weights: Shape) throws {
    let window = try attributes.window(rank: image.rank - 2, kernel: Array(weights[2...]))
    let spatial = Array(image[2...])
    let rank = spatial.count
    batch = image[0]
    height = rank > 1 ? spatial[rank - 2] : 1
    width = spatial[rank - 1]
    var parameters = ConvolutionParameters(
      inputChannels: image[1], outputChannels: weights[0],
      kernelHeight: rank > 1 ? window.kernel[rank - 2] : 1,
      kernelWidth: window.kernel[rank - 1])
    parameters.groups = groups
    parameters.strideX = window.strides[rank - 1]
    parameters.dilationX = window.dilations[rank - 1]
    (parameters.padLeft, parameters.padRight) = window.pads(rank - 1, extent: width)
    _ = try window.outputExtent(rank - 1, width)
    if rank > 1 {
      parameters.strideY = window.strides[rank - 2]
      parameters.dilationY = window.dilations[rank - 2]
      (parameters.padTop, parameters.padBottom) = window.pads(rank - 2, extent: height)
      _ = try window.outputExtent(rank - 2, height)
    }
    self.parameters = parameters
    depth = rank == 3 ? spatial[0] : 1
    guard rank == 3 else {
      volume = nil
      return
    }
    _ = try window.outputExtent(0, depth)
    var volume = VolumeParameters(plane: parameters, kernelDepth: window.kernel[0])
    volume.strideZ = window.strides[0]
    volume.dilationZ = window.dilations[0]
    (volume.padFront, volume.padBack) = window.pads(0, extent: depth)
    self.volume = volume
  }
}

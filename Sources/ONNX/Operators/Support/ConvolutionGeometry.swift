import Kernels
import Tensors

/// The sizes of one convolution: those of the two innermost axes as the kernels take them, and those of
/// the depth axis that a volume has before them (1 for images and lines).
struct ConvolutionGeometry: Sendable {
  struct Depth: Sendable {
    var input = 1
    var output = 1
    var taps = 1
    var stride = 1
    var dilation = 1
    var padBefore = 0
  }

  let parameters: ConvolutionParameters
  let batch: Int
  let height: Int
  let width: Int
  let outputHeight: Int
  let outputWidth: Int
  let depth: Depth

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
    outputWidth = try window.outputExtent(rank - 1, width)
    if rank > 1 {
      parameters.strideY = window.strides[rank - 2]
      parameters.dilationY = window.dilations[rank - 2]
      (parameters.padTop, parameters.padBottom) = window.pads(rank - 2, extent: height)
      outputHeight = try window.outputExtent(rank - 2, height)
    } else {
      outputHeight = 1
    }
    self.parameters = parameters
    var depth = Depth()
    if rank == 3 {
      depth = Depth(
        input: spatial[0], output: try window.outputExtent(0, spatial[0]), taps: window.kernel[0],
        stride: window.strides[0], dilation: window.dilations[0],
        padBefore: window.pads(0, extent: spatial[0]).before)
    }
    self.depth = depth
  }

  /// Elements of one channel of one slice.
  var inputPlane: Int { height * width }
  var outputPlane: Int { outputHeight * outputWidth }
}

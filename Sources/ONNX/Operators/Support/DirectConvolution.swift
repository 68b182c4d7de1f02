import Tensors

/// A convolution over any number of spatial axes by its definition, in doubles: exact for integers of
/// 8 bits.
struct DirectConvolution {
  let image: Shape
  let weights: Shape
  let window: Window
  let groups: Int
  let output: Shape

  init(image: Shape, weights: Shape, attributes: WindowAttributes, groups: Int) throws {
    guard image.rank == weights.rank, image.rank >= 3, groups > 0, image[1] == weights[1] * groups,
      weights[0] % groups == 0
    else {
      throw ONNXError(.invalid, "weights \(weights) in \(groups) groups for an image of shape \(image)")
    }
    self.image = image
    self.weights = weights
    self.groups = groups
    let window = try attributes.window(rank: image.rank - 2, kernel: Array(weights[2...]))
    self.window = window
    let spatial = try (2..<image.rank).map { try window.outputExtent($0 - 2, image[$0]) }
    output = Shape([image[0], weights[0]] + spatial)
  }

  func run(_ x: [Double], _ w: [Double]) -> [Double] {
    let spatial = Shape(image[2...])
    let kernel = Shape(weights[2...])
    let target = Shape(output[2...])
    let strides = spatial.strides
    let taps = kernel.elementCount ?? 0
    let plane = spatial.elementCount ?? 0
    let begins = window.kernel.indices.map { window.pads($0, extent: spatial[$0]).before }
    var result: [Double] = []
    result.reserveCapacity(output.elementCount ?? 0)
    let perGroup = weights[0] / groups
    for batch in 0..<image[0] {
      for filter in 0..<weights[0] {
        let first = (batch * image[1] + filter / perGroup * weights[1]) * plane
        target.forEachPlace { _, place in
          var sum = 0.0
          kernel.forEachPlace { tap, offset in
            var source = 0
            for axis in offset.indices {
              let at =
                place[axis] * window.strides[axis] + offset[axis] * window.dilations[axis] - begins[axis]
              if at < 0 || at >= spatial[axis] { return }
              source += at * strides[axis]
            }
            for channel in 0..<weights[1] {
              sum += x[first + channel * plane + source] * w[(filter * weights[1] + channel) * taps + tap]
            }
          }
          result.append(sum)
        }
      }
    }
    return result
  }
}

internal import CKernels

/// What a three-dimensional convolution does along its first spatial axis; the others are in `plane`.
public struct VolumeParameters: Sendable, Hashable {
  /// The two innermost axes, and the channels.
  public var plane: ConvolutionParameters
  public var kernelDepth: Int
  public var strideZ = 1
  public var dilationZ = 1
  public var padFront = 0
  public var padBack = 0

  public init(plane: ConvolutionParameters, kernelDepth: Int) {
    self.plane = plane
    self.kernelDepth = kernelDepth
  }

  /// The output's size; nil as for `ConvolutionParameters.outputSize(height:width:)`.
  public func outputSize(depth: Int, height: Int, width: Int) -> (depth: Int, height: Int, width: Int)? {
    guard let size = plane.outputSize(height: height, width: width),
      let depth = ConvolutionParameters.outputExtent(
        depth, kernel: kernelDepth, stride: strideZ, dilation: dilationZ, pads: (padFront, padBack))
    else { return nil }
    return (depth, size.height, size.width)
  }
}

/// A three-dimensional convolution of channels-first volumes: [batch, channels, depth, height, width].
///
/// Each slice of the output is a two-dimensional convolution of as many times the channels as the kernel is
/// deep: a channel's slices that the kernel covers are channels of their own. That is how the weights lie, too.
public final class VolumeConvolution: Sendable {
  public let parameters: VolumeParameters
  private let convolution: Convolution
  private let table: KernelTable

  /// - Parameters:
  ///   - weights: [outputChannels, inputChannels / groups, kernelDepth, kernelHeight, kernelWidth], copied.
  ///   - bias: one value an output channel, copied.
  ///   - image: the size that slices will have, if it is known.
  public init(
    _ parameters: VolumeParameters, weights: UnsafePointer<Float>, bias: UnsafePointer<Float>? = nil,
    activation: Activation = .none, image: ImageSize? = nil, table: KernelTable
  ) {
    self.parameters = parameters
    self.table = table
    var slice = parameters.plane
    slice.inputChannels *= parameters.kernelDepth
    convolution = Convolution(
      slice, weights: weights, bias: bias, activation: activation, image: image, table: table)
  }

  /// Bytes of scratch that `run` needs for an input of this size.
  public func scratchByteCount(height: Int, width: Int, team: ThreadTeam) -> Int {
    guard let slices = VolumeSlices(parameters, depth: 1, height: height, width: width) else { return 0 }
    return slices.byteCount
      + convolution.scratchByteCount(batch: 1, height: height, width: width, team: team)
  }

  /// output = activation(convolution(input) + bias + residual), as `Convolution.run`.
  public func run(
    _ input: UnsafePointer<Float>, batch: Int, depth: Int, height: Int, width: Int,
    output: UnsafeMutablePointer<Float>, residual: UnsafePointer<Float>? = nil,
    scratch: UnsafeMutableRawPointer?, team: ThreadTeam
  ) {
    guard batch > 0, let size = parameters.outputSize(depth: depth, height: height, width: width),
      let slices = VolumeSlices(parameters, depth: depth, height: height, width: width), let scratch
    else { return }
    let gathered = scratch.assumingMemoryBound(to: Float.self)
    let result = gathered + slices.inputCount
    let added = result + slices.outputCount
    let rest = scratch + slices.byteCount
    let (inputs, outputs) = (parameters.plane.inputChannels, parameters.plane.outputChannels)
    for item in 0..<(batch * size.depth) {
      let (image, z) = (item / size.depth, item % size.depth)
      gather(input + image * inputs * depth * height * width, slices, z: z, gathered, team)
      let place = (image * outputs * size.depth + z) * slices.outputPlane
      let planes = (slices.outputPlane, size.depth * slices.outputPlane)
      if let residual { copyPlanes(residual + place, planes.1, added, planes.0, planes.0, team) }
      convolution.run(
        gathered, batch: 1, height: height, width: width, output: result,
        residual: residual == nil ? nil : UnsafePointer(added), scratch: rest, team: team)
      copyPlanes(result, planes.0, output + place, planes.1, planes.0, team)
    }
  }

  private func copyPlanes(
    _ source: UnsafePointer<Float>, _ sourceStep: Int, _ target: UnsafeMutablePointer<Float>,
    _ targetStep: Int, _ count: Int, _ team: ThreadTeam
  ) {
    table.copyRows(
      source, sourceStride: sourceStep * 4, target, targetStride: targetStep * 4, rowByteCount: count * 4,
      rows: parameters.plane.outputChannels, team: team)
  }

  /// The slices that output slice `z` is made of: [inputChannels, kernelDepth, height, width].
  private func gather(
    _ volume: UnsafePointer<Float>, _ slices: VolumeSlices, z: Int, _ target: UnsafeMutablePointer<Float>,
    _ team: ThreadTeam
  ) {
    let taps = parameters.kernelDepth
    let plane = slices.inputPlane
    team.parallelFor(parameters.plane.inputChannels) { channel in
      for tap in 0..<taps {
        let slice = z * parameters.strideZ + tap * parameters.dilationZ - parameters.padFront
        let to = target + (channel * taps + tap) * plane
        if slice >= 0, slice < slices.depth {
          to.update(from: volume + (channel * slices.depth + slice) * plane, count: plane)
        } else {
          to.update(repeating: 0, count: plane)
        }
      }
    }
  }
}

/// The sizes of what a slice of the output is computed from and into.
private struct VolumeSlices {
  let depth: Int
  let inputPlane: Int
  let outputPlane: Int
  /// Floats of the gathered input and of the output slice, multiples of sixteen.
  let inputCount: Int
  let outputCount: Int

  var byteCount: Int { (inputCount + 2 * outputCount) * MemoryLayout<Float>.stride }

  init?(_ parameters: VolumeParameters, depth: Int, height: Int, width: Int) {
    guard let size = parameters.plane.outputSize(height: height, width: width) else { return nil }
    self.depth = depth
    inputPlane = height * width
    outputPlane = size.height * size.width
    let inputs = parameters.plane.inputChannels * parameters.kernelDepth
    inputCount = (inputs * inputPlane + 15) / 16 * 16
    outputCount = (parameters.plane.outputChannels * outputPlane + 15) / 16 * 16
  }
}

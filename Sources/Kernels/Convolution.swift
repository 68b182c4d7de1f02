internal import CKernels

/// A two-dimensional convolution, prepared: its weights are packed once for a table's kernels.
public final class Convolution: Sendable {
  public let parameters: ConvolutionParameters
  public let layout: ImageLayout
  public let activation: Activation
  public let method: ConvolutionMethod
  let table: KernelTable
  /// Winograd: transformed, see `winogradWeights`. Depthwise: the weights as they are, or [taps, channels] for channels-last images. Otherwise each
  /// group's, one after the other: tiles of the left-hand matrix for channels-first images, panels of
  /// the right-hand one for channels-last.
  let weights: AlignedMemory
  let bias: AlignedMemory?

  /// - Parameters:
  ///   - parameters: `groups` divides both numbers of channels; every number is in its range.
  ///   - weights: [outputChannels, inputChannels / groups, kernelHeight, kernelWidth], copied.
  ///   - bias: one value an output channel, copied.
  ///   - layout: of the input, the output and the residual.
  ///   - image: the size that inputs will have, if it is known; others work too, but maybe not the fastest way.
  public init(
    _ parameters: ConvolutionParameters, weights: UnsafePointer<Float>, bias: UnsafePointer<Float>? = nil,
    activation: Activation = .none, layout: ImageLayout = .channelsFirst, image: ImageSize? = nil,
    accuracy: ConvolutionAccuracy = .fast, table: KernelTable
  ) {
    self.parameters = parameters
    self.layout = layout
    self.activation = activation
    self.table = table
    method = ConvolutionMethod.choose(parameters, layout, image: image, accuracy: accuracy)
    let sizes = GroupSizes(parameters, table)
    switch (method, layout) {
    case (.winograd2, _):
      self.weights = Convolution.winogradWeights(weights, parameters, outputs: 2, table)
    case (.winograd4, _):
      self.weights = Convolution.winogradWeights(weights, parameters, outputs: 4, table)
    case (.depthwise, .channelsFirst):
      self.weights = AlignedMemory(copying: weights, sizes.taps * parameters.groups)
    case (.depthwise, .channelsLast): self.weights = sizes.tapsFirst(weights)
    case (.throughPixels, _) where parameters.isDepthwise: self.weights = sizes.tapsFirst(weights)
    case (.unfolded, .channelsFirst): self.weights = sizes.packedTiles(weights, table)
    case (_, _): self.weights = sizes.packedPanels(weights, table)
    }
    self.bias = bias.map { AlignedMemory(copying: $0, parameters.outputChannels) }
  }

  /// Bytes of scratch that `run` needs for an input of this size.
  public func scratchByteCount(batch: Int, height: Int, width: Int, team: ThreadTeam) -> Int {
    guard let window = kernels_window(parameters, height: height, width: width) else { return 0 }
    if method.isWinograd {
      return winogradScratchCount(window, batch: batch, team: team) * MemoryLayout<Float>.stride
    }
    let images = method == .throughPixels ? 1 : batch
    let jobs = ConvolutionJobs(self, window, batch: images, team: team)
    let pixels = method == .throughPixels ? PixelCopies(self, window).count : 0
    return (pixels + jobs.parts.parts * jobs.scratchCount) * MemoryLayout<Float>.stride
  }

  /// output = activation(convolution(input) + bias + residual).
  ///
  /// - Parameters:
  ///   - residual: of the output's shape, or nil; not the output itself.
  ///   - output: sized by `parameters.outputSize(height:width:)`; untouched where that is nil.
  public func run(
    _ input: UnsafePointer<Float>, batch: Int, height: Int, width: Int, output: UnsafeMutablePointer<Float>,
    residual: UnsafePointer<Float>? = nil, scratch: UnsafeMutableRawPointer?, team: ThreadTeam
  ) {
    guard batch > 0, let window = kernels_window(parameters, height: height, width: width) else { return }
    let floats = scratch?.assumingMemoryBound(to: Float.self)
    let images = Images(input: input, output: output, residual: residual, activation: activation)
    if method.isWinograd { return runWinograd(window, images, batch: batch, floats, team) }
    if method == .throughPixels { return runThroughPixels(window, images, batch: batch, floats, team) }
    runJobs(window, images, batch: batch, floats, team)
  }

  /// The work in parts, each with scratch of its own.
  func runJobs(
    _ window: kernels_window, _ images: Images, batch: Int, _ scratch: UnsafeMutablePointer<Float>?,
    _ team: ThreadTeam
  ) {
    let jobs = ConvolutionJobs(self, window, batch: batch, team: team)
    team.parallelFor(jobs.parts.parts) { part in
      let scratch = scratch.map { $0 + part * jobs.scratchCount }
      let items = jobs.parts[part]
      switch (method, layout) {
      case (.depthwise, .channelsFirst): depthwisePlanes(window, images, items, scratch)
      case (.depthwise, .channelsLast): depthwiseRows(window, images, items)
      case (.throughPixels, _) where parameters.isDepthwise: depthwiseRows(window, images, items)
      case (.unfolded, .channelsFirst): multiplyPanels(window, images, items, scratch)
      case (.direct, _): multiplyRows(window, images, items, scratch)
      case (_, _): multiplyPixels(window, images, items, scratch)
      }
    }
  }

  /// What follows the products, for the channels from `firstChannel` on.
  func epilogue(_ activation: Activation, firstChannel: Int) -> kernels_epilogue {
    var epilogue = kernels_epilogue(activation.code)
    let bias = bias.map { UnsafePointer($0.floats + firstChannel) }
    if layout == .channelsFirst, method == .unfolded || method == .depthwise {
      epilogue.row_bias = bias
    } else {
      epilogue.column_bias = bias
    }
    return epilogue
  }
}

/// The operands of one run.
struct Images {
  let input: UnsafePointer<Float>
  let output: UnsafeMutablePointer<Float>
  let residual: UnsafePointer<Float>?
  /// What to apply to the sums: not the convolution's, if something is still to be added to them.
  let activation: Activation
}

/// The numbers of one group's product.
struct GroupSizes {
  let groups: Int
  let inputs: Int
  let outputs: Int
  let taps: Int
  /// Rows of a tile of weights, and the number of tiles, where they are the left-hand matrix.
  let tileRows: Int
  let tiles: Int
  /// Panels of weights, where they are the right-hand matrix.
  let panels: Int
  let panelWidth: Int

  /// Panels of positions that are unfolded at a time, where they are the right-hand matrix: 256 KiB, or one.
  var blockPanels: Int { min(max(64 * 1024 / max(depth * panelWidth, 1), 1), 8) }
  /// The length of a product's sums.
  var depth: Int { inputs * taps }

  init(_ parameters: ConvolutionParameters, _ table: KernelTable) {
    groups = parameters.groups
    inputs = parameters.inputChannels / groups
    outputs = parameters.outputChannels / groups
    taps = parameters.kernelHeight * parameters.kernelWidth
    panelWidth = table.level.panelWidth
    tiles = (outputs + table.level.tileRows - 1) / table.level.tileRows
    tileRows = tiles == 0 ? 1 : (outputs + tiles - 1) / tiles
    panels = (outputs + panelWidth - 1) / panelWidth
  }

  /// [taps, channels] from [channels, 1, taps].
  func tapsFirst(_ weights: UnsafePointer<Float>) -> AlignedMemory {
    let memory = AlignedMemory(floatCount: taps * groups)
    for channel in 0..<groups {
      for tap in 0..<taps { memory.floats[tap * groups + channel] = weights[channel * taps + tap] }
    }
    return memory
  }

  func packedTiles(_ weights: UnsafePointer<Float>, _ table: KernelTable) -> AlignedMemory {
    let step = tiles * tileRows * depth
    let memory = AlignedMemory(floatCount: groups * step)
    for group in 0..<groups {
      table.level.packA(
        weights + group * outputs * depth, m: outputs, k: depth, row: depth, step: 1, rows: tileRows,
        firstTile: 0,
        endTile: tiles, memory.floats + group * step)
    }
    return memory
  }

  /// Rows of the right-hand matrix by tap first, then channel: as `unfoldRows` has its columns.
  func packedPanels(_ weights: UnsafePointer<Float>, _ table: KernelTable) -> AlignedMemory {
    let step = panels * panelWidth * depth
    let memory = AlignedMemory(floatCount: groups * step)
    let ordered = AlignedMemory(floatCount: outputs * depth)
    for group in 0..<groups {
      for output in 0..<outputs {
        let source = weights + (group * outputs + output) * depth
        for channel in 0..<inputs {
          for tap in 0..<taps {
            ordered.floats[output * depth + tap * inputs + channel] = source[channel * taps + tap]
          }
        }
      }
      table.level.packB(
        ordered.floats, k: depth, n: outputs, stride: depth, transposed: true, firstPanel: 0,
        endPanel: panels,
        memory.floats + group * step)
    }
    return memory
  }
}

extension kernels_window {
  /// Nil if there is no output, see `ConvolutionParameters.outputSize(height:width:)`.
  init?(_ parameters: ConvolutionParameters, height: Int, width: Int) {
    guard let size = parameters.outputSize(height: height, width: width) else { return nil }
    self.init(
      height: Int64(height), width: Int64(width), out_height: Int64(size.height),
      out_width: Int64(size.width),
      kernel_height: Int64(parameters.kernelHeight), kernel_width: Int64(parameters.kernelWidth),
      stride_y: Int64(parameters.strideY), stride_x: Int64(parameters.strideX),
      dilation_y: Int64(parameters.dilationY), dilation_x: Int64(parameters.dilationX),
      pad_top: Int64(parameters.padTop), pad_left: Int64(parameters.padLeft))
  }

  var inputPlane: Int { Int(height * width) }
  var outputPlane: Int { Int(out_height * out_width) }
}

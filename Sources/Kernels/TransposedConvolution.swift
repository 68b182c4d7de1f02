internal import CKernels

/// What a transposed convolution does: the convolution that it is the transpose of, from the larger image
/// to the smaller one, in its own words.
public struct TransposedConvolutionParameters: Sendable, Hashable {
  /// With the channels of the transposed one; its padding is cut off the output.
  public var window: ConvolutionParameters
  /// Rows and columns of the output beyond the last that strides reach.
  public var outputPaddingY = 0
  public var outputPaddingX = 0

  public init(_ window: ConvolutionParameters) { self.window = window }

  /// The output's size for an input's; nil if it is not positive or a number overflows.
  public func outputSize(height: Int, width: Int) -> (height: Int, width: Int)? {
    guard
      let outputHeight = Self.outputExtent(
        height, kernel: window.kernelHeight, stride: window.strideY, dilation: window.dilationY,
        pads: (window.padTop, window.padBottom), extra: outputPaddingY),
      let outputWidth = Self.outputExtent(
        width, kernel: window.kernelWidth, stride: window.strideX, dilation: window.dilationX,
        pads: (window.padLeft, window.padRight), extra: outputPaddingX)
    else { return nil }
    return (outputHeight, outputWidth)
  }

  /// (extent − 1) · stride + dilation · (kernel − 1) + 1 + extra − pads, with every step checked.
  private static func outputExtent(
    _ extent: Int, kernel: Int, stride: Int, dilation: Int, pads: (Int, Int), extra: Int
  ) -> Int? {
    guard extent > 0, kernel > 0, stride > 0, dilation > 0, pads.0 >= 0, pads.1 >= 0, extra >= 0 else {
      return nil
    }
    let (span, overflow1) = (extent - 1).multipliedReportingOverflow(by: stride)
    let (reach, overflow2) = (kernel - 1).multipliedReportingOverflow(by: dilation)
    let (whole, overflow3) = span.addingReportingOverflow(reach)
    let (padded, overflow4) = whole.addingReportingOverflow(extra)
    let (cut, overflow5) = pads.0.addingReportingOverflow(pads.1)
    guard !overflow1, !overflow2, !overflow3, !overflow4, !overflow5, padded < .max, padded >= cut else {
      return nil
    }
    return padded - cut + 1
  }
}

/// A transposed convolution of channels-first images, prepared. A one-dimensional one has a kernel of
/// height 1 and an input of height 1.
///
/// The weights' product with the pixels gives every pixel's share of each output pixel; these are added up
/// a block of channels and some panels of positions at a time.
public final class TransposedConvolution: Sendable {
  public let parameters: TransposedConvolutionParameters
  public let activation: Activation
  private let table: KernelTable
  private let sizes: TransposedSizes
  /// Each group's blocks of output channels, as tiles of a left-hand matrix [channels · taps, inputs].
  private let weights: AlignedMemory
  private let bias: AlignedMemory?

  /// - Parameters:
  ///   - parameters: `groups` divides both numbers of channels; every number is in its range.
  ///   - weights: [inputChannels, outputChannels / groups, kernelHeight, kernelWidth], copied.
  ///   - bias: one value an output channel, copied.
  public init(
    _ parameters: TransposedConvolutionParameters, weights: UnsafePointer<Float>,
    bias: UnsafePointer<Float>? = nil, activation: Activation = .none, table: KernelTable
  ) {
    self.parameters = parameters
    self.activation = activation
    self.table = table
    sizes = TransposedSizes(parameters.window, table)
    self.bias = bias.map { AlignedMemory(copying: $0, parameters.window.outputChannels) }
    self.weights = AlignedMemory(floatCount: sizes.groups * sizes.blocks * sizes.blockWeights)
    for group in 0..<sizes.groups {
      for block in 0..<sizes.blocks {
        let source =
          weights + (group * sizes.inputs * sizes.outputs + block * sizes.blockChannels) * sizes.taps
        table.level.packA(
          source, m: sizes.rows(block), k: sizes.inputs, row: 1, step: sizes.outputs * sizes.taps,
          rows: sizes.tileRows, firstTile: 0, endTile: sizes.tiles(block),
          self.weights.floats + (group * sizes.blocks + block) * sizes.blockWeights)
      }
    }
  }

  /// Bytes of scratch that `run` needs.
  public func scratchByteCount(batch: Int, team: ThreadTeam) -> Int {
    parts(batch, team).parts * sizes.scratchCount * MemoryLayout<Float>.stride
  }

  /// output = activation(transposed convolution(input) + bias + residual).
  ///
  /// - Parameters:
  ///   - residual: of the output's shape, or nil; not the output itself.
  ///   - output: sized by `parameters.outputSize(height:width:)`; untouched where that is nil.
  public func run(
    _ input: UnsafePointer<Float>, batch: Int, height: Int, width: Int, output: UnsafeMutablePointer<Float>,
    residual: UnsafePointer<Float>? = nil, scratch: UnsafeMutableRawPointer?, team: ThreadTeam
  ) {
    guard batch > 0, let size = parameters.outputSize(height: height, width: width), let scratch else {
      return
    }
    let floats = scratch.assumingMemoryBound(to: Float.self)
    let window = kernels_window(transposed: parameters.window, height: height, width: width, size)
    let images = Images(input: input, output: output, residual: residual, activation: activation)
    let parts = parts(batch, team)
    team.parallelFor(parts.parts) { part in
      for item in parts[part] { runBlock(window, images, item, floats + part * sizes.scratchCount) }
    }
  }

  /// Items are blocks of output channels: (image, group, block).
  private func parts(_ batch: Int, _ team: ThreadTeam) -> Partition {
    Partition(batch * sizes.groups * sizes.blocks, parts: team.width == 1 ? 1 : team.width * 4)
  }

  private func runBlock(
    _ window: kernels_window, _ images: Images, _ item: Int, _ scratch: UnsafeMutablePointer<Float>
  ) {
    let block = item % sizes.blocks
    let plane = item / sizes.blocks  // (image, group)
    let channels = sizes.channels(block)
    let first = plane * sizes.outputs + block * sizes.blockChannels
    let output = images.output + first * window.inputPlane
    output.update(repeating: 0, count: channels * window.inputPlane)
    multiply(window, images.input + plane * sizes.inputs * window.outputPlane, item, output, scratch)
    var epilogue = kernels_epilogue(activation.code)
    epilogue.row_bias = bias.map { UnsafePointer($0.floats + first % (sizes.groups * sizes.outputs)) }
    epilogue.residual = images.residual.map { $0 + first * window.inputPlane }
    epilogue.residual_stride = Int64(window.inputPlane)
    table.level.finish(
      &epilogue, output, sourceRow: window.inputPlane, output, cRow: window.inputPlane, rows: channels,
      columns: window.inputPlane)
  }

  private func multiply(
    _ window: kernels_window, _ input: UnsafePointer<Float>, _ item: Int,
    _ output: UnsafeMutablePointer<Float>,
    _ scratch: UnsafeMutablePointer<Float>
  ) {
    let width = table.level.panelWidth
    let positions = window.outputPlane
    let panels = (positions + width - 1) / width
    let block = item % sizes.blocks
    var product = kernels_product()
    product.m = Int64(sizes.rows(block))
    product.n = Int64(positions)
    product.k = Int64(sizes.inputs)
    let packed = item % (sizes.groups * sizes.blocks)
    product.a = UnsafePointer(weights.floats + packed * sizes.blockWeights)
    product.tile_rows = Int64(sizes.tileRows)
    product.a_tile = Int64(sizes.tileRows * sizes.inputs)
    product.a_row = 1
    product.a_step = Int64(sizes.tileRows)
    product.b = input
    product.b_row = Int64(positions)
    product.b_panel = Int64(width)
    product.c_row = Int64(sizes.columns)
    product.epilogue = kernels_epilogue(Activation.none.code)
    if positions % width != 0 {
      let last = scratch + sizes.sumCount
      table.level.packB(
        input, k: sizes.inputs, n: positions, stride: positions, transposed: false, firstPanel: panels - 1,
        endPanel: panels, last)
      product.b_last = UnsafePointer(last)
      product.b_last_row = Int64(width)
    }
    var window = window
    var panel = 0
    while panel < panels {
      let end = min(panels, panel + sizes.columns / width)
      let first = panel * width
      product.c = scratch - first
      table.level.multiply(
        &product, firstTile: 0, endTile: sizes.tiles(block), firstPanel: panel, endPanel: end)
      table.level.foldPanel(
        &window, scratch, row: sizes.columns, channels: sizes.channels(block), firstPosition: first,
        count: min(positions, end * width) - first, output)
      panel = end
    }
  }
}

/// How a transposed convolution's products are cut.
private struct TransposedSizes {
  let groups: Int
  let inputs: Int
  let outputs: Int
  let taps: Int
  /// Output channels of a block, and the blocks of a group.
  let blockChannels: Int
  let blocks: Int
  let tileRows: Int
  let blockWeights: Int
  /// Positions whose sums are in scratch at a time.
  let columns: Int
  let sumCount: Int
  let scratchCount: Int

  init(_ window: ConvolutionParameters, _ table: KernelTable) {
    groups = window.groups
    inputs = window.inputChannels / groups
    outputs = window.outputChannels / groups
    taps = window.kernelHeight * window.kernelWidth
    blockChannels = min(max(1, 4 * table.level.tileRows / taps), max(outputs, 1))
    blocks = (outputs + blockChannels - 1) / blockChannels
    let rows = blockChannels * taps
    let tiles = (rows + table.level.tileRows - 1) / table.level.tileRows
    tileRows = (rows + tiles - 1) / tiles
    blockWeights = tiles * tileRows * inputs
    columns = 8 * table.level.panelWidth
    sumCount = (rows * columns + 15) / 16 * 16
    scratchCount = sumCount + (inputs * table.level.panelWidth + 15) / 16 * 16
  }

  func channels(_ block: Int) -> Int { min(blockChannels, outputs - block * blockChannels) }
  func rows(_ block: Int) -> Int { channels(block) * taps }
  func tiles(_ block: Int) -> Int { (rows(block) + tileRows - 1) / tileRows }
}

extension kernels_window {
  /// The window from the large image, a transposed convolution's output, to the small one, its input.
  fileprivate init(
    transposed parameters: ConvolutionParameters, height: Int, width: Int, _ large: (height: Int, width: Int)
  ) {
    self.init(
      height: Int64(large.height), width: Int64(large.width), out_height: Int64(height),
      out_width: Int64(width), kernel_height: Int64(parameters.kernelHeight),
      kernel_width: Int64(parameters.kernelWidth), stride_y: Int64(parameters.strideY),
      stride_x: Int64(parameters.strideX), dilation_y: Int64(parameters.dilationY),
      dilation_x: Int64(parameters.dilationX), pad_top: Int64(parameters.padTop),
      pad_left: Int64(parameters.padLeft))
  }
}

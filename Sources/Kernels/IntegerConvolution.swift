internal import CKernels
internal import Tensors

/// A two-dimensional convolution of 8-bit integers, prepared: its weights are packed once for a table's
/// kernels. What ONNX calls ConvInteger and QLinearConv.
///
/// It computes on channels-last images; channels-first ones are turned in scratch, before and after.
public final class IntegerConvolution: Sendable {
  public let parameters: ConvolutionParameters
  public let layout: ImageLayout
  public let method: ConvolutionMethod
  let table: KernelTable
  /// One a group, [taps · inputs, outputs]; none if depthwise.
  let weights: [PackedIntegerMatrix]
  /// Depthwise: [taps, channels], less their zero points, as floats.
  let depthwiseWeights: AlignedMemory?

  /// - Parameters:
  ///   - parameters: `groups` divides both numbers of channels; every number is in its range.
  ///   - weights: [outputChannels, inputChannels / groups, kernelHeight, kernelWidth], copied; their zero
  ///     point may be one an output channel.
  ///   - layout: of the input and the output.
  public init(
    _ parameters: ConvolutionParameters, weights: IntegerMatrix, layout: ImageLayout = .channelsFirst,
    table: KernelTable
  ) {
    self.parameters = parameters
    self.layout = layout
    self.table = table
    method = ConvolutionMethod.choose(integers: parameters)
    let sizes = GroupSizes(parameters, table)
    if method == .depthwise {
      self.weights = []
      depthwiseWeights = sizes.tapsFirst(weights)
    } else {
      self.weights = (0..<parameters.groups).map { sizes.packed(weights, group: $0, table) }
      depthwiseWeights = nil
    }
  }

  /// Bytes of scratch that `run` needs for an input of this size, whatever its output.
  public func scratchByteCount(batch: Int, height: Int, width: Int, team: ThreadTeam) -> Int {
    guard let window = kernels_window(parameters, height: height, width: width) else { return 0 }
    return IntegerConvolutionJobs(self, window, batch: batch, team: team).byteCount
  }

  /// output = convolution(input − its zero point), exact in 32 bits, and then as `output` says.
  ///
  /// - Parameters:
  ///   - input: with one zero point, which stands beyond the image too.
  ///   - output: sized by `parameters.outputSize(height:width:)`; untouched where that is nil. A column is
  ///     an output channel. No residual where channels are first.
  public func run(
    _ input: IntegerMatrix, batch: Int, height: Int, width: Int, output: IntegerOutput,
    scratch: UnsafeMutableRawPointer?, team: ThreadTeam
  ) {
    guard batch > 0, let window = kernels_window(parameters, height: height, width: width) else { return }
    let jobs = IntegerConvolutionJobs(self, window, batch: batch, team: team)
    guard layout == .channelsFirst, let scratch else {
      compute(input, window, jobs, output, scratch, team)
      return
    }
    if case .floats(_, _, let epilogue) = output {
      precondition(epilogue.residual == nil, "a residual needs channels-last images")
    }
    var turned = input
    turned.bytes = UnsafeRawPointer(scratch + jobs.inputOffset)
    swapAxes(
      input.bytes, scratch + jobs.inputOffset, elementSize: 1, batch, parameters.inputChannels,
      window.inputPlane, team)
    let target = scratch + jobs.outputOffset
    compute(turned, window, jobs, output.moved(to: target), scratch, team)
    swapAxes(
      target, output.pointer, elementSize: output.elementByteCount, batch, window.outputPlane,
      parameters.outputChannels, team)
  }

  /// [batch, columns, rows] from [batch, rows, columns].
  private func swapAxes(
    _ x: UnsafeRawPointer, _ y: UnsafeMutableRawPointer, elementSize: Int, _ batch: Int, _ rows: Int,
    _ columns: Int, _ team: ThreadTeam
  ) {
    // Appended: a literal would be an array on the heap first.
    var shape = Shape()
    shape.append(batch)
    shape.append(rows)
    shape.append(columns)
    var permutation = Shape()
    permutation.append(0)
    permutation.append(2)
    permutation.append(1)
    table.transpose(elementSize: elementSize, shape: shape, permutation: permutation, x, y, team: team)
  }

  private func compute(
    _ input: IntegerMatrix, _ window: kernels_window, _ jobs: IntegerConvolutionJobs,
    _ output: IntegerOutput, _ scratch: UnsafeMutableRawPointer?, _ team: ThreadTeam
  ) {
    team.parallelFor(jobs.parts.parts) { part in
      let room = scratch.map { $0 + part * jobs.partByteCount }
      if method == .depthwise, jobs.depthwise.rows > 0, let room {
        depthwiseBlocks(input, window, jobs, output, jobs.parts[part], room)
        return
      }
      for item in jobs.parts[part] {
        if method == .depthwise {
          depthwiseRow(input, window, output, item)
        } else if let room {
          multiplyPixels(input, window, jobs, output, item, room)
        }
      }
    }
  }

  /// An item is an output row: (image, y).
  private func depthwiseRow(
    _ input: IntegerMatrix, _ window: kernels_window, _ output: IntegerOutput, _ item: Int
  ) {
    guard let weights = depthwiseWeights else { return }
    let image = item / Int(window.out_height)
    let rows = image * window.outputPlane
    var window = window
    var product = kernels_short_product(
      MatmulShape(m: window.outputPlane, n: parameters.outputChannels, k: 0),
      output.from(element: rows * parameters.outputChannels, strideC: parameters.outputChannels))
    let bytes = input.bytes.assumingMemoryBound(to: UInt8.self)
    table.level.depthwiseIntegers(
      &product, &window, bytes + image * window.inputPlane * parameters.inputChannels,
      isSigned: input.isSigned, zeroPoint: input.zeroPoint[0], weights: weights.floats,
      y: item % Int(window.out_height))
  }

  /// An item is a block of output pixels: (image, group, block).
  private func multiplyPixels(
    _ input: IntegerMatrix, _ window: kernels_window, _ jobs: IntegerConvolutionJobs,
    _ output: IntegerOutput, _ item: Int, _ scratch: UnsafeMutableRawPointer
  ) {
    let sizes = GroupSizes(parameters, table)
    let group = item / jobs.blocks % sizes.groups
    let image = item / jobs.blocks / sizes.groups
    let first = item % jobs.blocks * jobs.blockRows
    let rows = min(jobs.blockRows, window.outputPlane - first)
    let pixels = input.bytes.assumingMemoryBound(to: UInt8.self)
    let source =
      pixels + image * window.inputPlane * parameters.inputChannels + group * sizes.inputs
    let shape = MatmulShape(m: rows, n: sizes.outputs, k: sizes.depth)
    let start = (image * window.outputPlane + first) * parameters.outputChannels + group * sizes.outputs
    var product = kernels_short_product(
      shape, output.from(element: start, column: group * sizes.outputs, strideC: parameters.outputChannels))
    let weights = weights[group]
    product.c_row = Int64(parameters.outputChannels)
    product.use(weights.panels, weights.layout)
    product.zero_point = input.zeroPoint[0] + (weights.layout.group == 4 && input.isSigned ? 128 : 0)
    let target = scratch.assumingMemoryBound(to: UInt8.self)
    let rowByteCount = max(4, weights.layout.groups * 4)
    if method == .pointwise, weights.layout.group == 4, !input.isSigned, sizes.depth % 4 == 0 {
      product.a = source + first * parameters.inputChannels
      product.a_row = Int64(parameters.inputChannels)
    } else {
      var window = window
      table.level.unfoldIntegers(
        &window, source, channels: sizes.inputs, pixelStride: parameters.inputChannels, firstPosition: first,
        count: rows, isSigned: input.isSigned, padding: input.zeroPoint[0], group: weights.layout.group,
        target, rowByteCount: rowByteCount)
      product.a = UnsafePointer(target)
      product.a_row = Int64(rowByteCount)
    }
    if product.column_zero_points != nil, let a = product.a {
      let sums = (scratch + jobs.sumsOffset).assumingMemoryBound(to: Int32.self)
      table.level.sumIntegerRows(
        a, firstRow: 0, endRow: rows, k: sizes.depth, stride: Int(product.a_row),
        group: weights.layout.group, zeroPoints: nil, zeroPoint: product.zero_point, sums)
      product.row_sums = UnsafePointer(sums)
    }
    let tiles = (rows + table.integerTileRows - 1) / table.integerTileRows
    product.tile_rows = Int64((rows + tiles - 1) / tiles)
    table.level.multiplyShort(
      &product, firstTile: 0, endTile: tiles, firstPanel: 0, endPanel: weights.layout.panelCount)
  }
}

extension ConvolutionMethod {
  /// The method for a convolution of 8-bit integers: a pure function of its parameters.
  public static func choose(integers parameters: ConvolutionParameters) -> ConvolutionMethod {
    if parameters.isDepthwise { return .depthwise }
    return parameters.isPointwise ? .pointwise : .unfolded
  }
}

/// How the work of a convolution of integers is dealt out, and where its scratch lies: each range's
/// unfolded rows and their sums, and turned images.
struct IntegerConvolutionJobs {
  let parts: Partition
  /// Blocks of an image's output pixels, and the pixels of one.
  let blocks: Int
  let blockRows: Int
  let sumsOffset: Int
  let partByteCount: Int
  let depthwise: DepthwiseRoom
  let inputOffset: Int
  let outputOffset: Int
  let byteCount: Int

  init(_ convolution: IntegerConvolution, _ window: kernels_window, batch: Int, team: ThreadTeam) {
    func aligned(_ byteCount: Int) -> Int { (byteCount + 63) / 64 * 64 }
    let table = convolution.table
    let parameters = convolution.parameters
    let sizes = GroupSizes(parameters, table)
    blockRows = 6 * table.integerTileRows
    blocks = (window.outputPlane + blockRows - 1) / blockRows
    // Of pairs: rows of bytes need less.
    let rowByteCount = max(4, (sizes.depth + 1) / 2 * 4)
    let isDepthwise = convolution.method == .depthwise
    let items = isDepthwise ? batch * Int(window.out_height) : batch * sizes.groups * blocks
    let work = batch * window.outputPlane * parameters.outputChannels * sizes.depth
    parts = Partition(items, parts: work < 512 * 1024 || team.width == 1 ? 1 : team.width * 4)
    sumsOffset = aligned(blockRows * rowByteCount)
    depthwise = DepthwiseRoom(convolution, window)
    partByteCount =
      isDepthwise
      ? aligned(depthwise.count * MemoryLayout<Float>.stride)
      : sumsOffset + aligned(blockRows * MemoryLayout<Int32>.stride)
    inputOffset = parts.parts * partByteCount
    let turns = convolution.layout == .channelsFirst
    outputOffset = inputOffset + (turns ? aligned(batch * window.inputPlane * parameters.inputChannels) : 0)
    byteCount = outputOffset + (turns ? batch * window.outputPlane * parameters.outputChannels * 4 : 0)
  }
}

extension GroupSizes {
  /// [taps, channels] from [channels, 1, taps], less the zero points.
  fileprivate func tapsFirst(_ weights: IntegerMatrix) -> AlignedMemory {
    let memory = AlignedMemory(floatCount: taps * groups)
    for channel in 0..<groups {
      for tap in 0..<taps {
        let value = weights.stored(channel * taps + tap) - weights.zeroPoint[channel]
        memory.floats[tap * groups + channel] = Float(value)
      }
    }
    return memory
  }

  /// A group's weights, its rows by tap first, then channel: as `unfoldIntegers` has its columns.
  fileprivate func packed(_ weights: IntegerMatrix, group: Int, _ table: KernelTable) -> PackedIntegerMatrix {
    let ordered = AlignedMemory(byteCount: outputs * depth)
    let bytes = ordered.bytes.assumingMemoryBound(to: UInt8.self)
    for output in 0..<outputs {
      for channel in 0..<inputs {
        for tap in 0..<taps {
          let source = ((group * outputs + output) * inputs + channel) * taps + tap
          bytes[output * depth + tap * inputs + channel] = UInt8(
            truncatingIfNeeded: weights.stored(source))
        }
      }
    }
    var matrix = weights
    matrix.bytes = UnsafeRawPointer(bytes)
    if case .each(let values) = weights.zeroPoint { matrix.zeroPoint = .each(values + group * outputs) }
    return PackedIntegerMatrix(matrix, k: depth, n: outputs, transposed: true, table: table)
  }
}

internal import CKernels

/// How the work of a convolution is dealt out: items (planes, rows, panels or blocks of pixels) in
/// ranges, each range with scratch of its own.
struct ConvolutionJobs {
  let parts: Partition
  /// Floats of scratch a range, a multiple of sixteen.
  let scratchCount: Int

  init(_ convolution: Convolution, _ window: kernels_window, batch: Int, team: ThreadTeam) {
    let sizes = GroupSizes(convolution.parameters, convolution.table)
    let items: Int
    let count: Int
    switch (convolution.method, convolution.layout) {
    case (.throughPixels, _) where convolution.parameters.isDepthwise:
      items = batch * Int(window.out_height)
      count = 0
    case (.depthwise, .channelsFirst):
      items = batch * sizes.groups
      let level = convolution.table.level
      count = level.hasDepthwiseTiles(window) ? 0 : level.depthwiseScratchCount(window)
    case (.depthwise, .channelsLast):
      items = batch * Int(window.out_height)
      count = 0
    case (.unfolded, .channelsFirst):
      items = batch * sizes.groups * ConvolutionJobs.panelBlocks(window, sizes)
      count = sizes.depth * sizes.panelWidth * sizes.blockPanels
    case (.direct, _):
      items = batch * Int(window.out_height)
      count = DirectRoom(convolution, window).count
    case (_, _):
      items = batch * sizes.groups * ConvolutionJobs.blocks(window, sizes, convolution.table)
      count =
        convolution.parameters.isPointwise
        ? 0 : ConvolutionJobs.blockRows(sizes, convolution.table) * sizes.depth
    }
    let work = batch * window.outputPlane * convolution.parameters.outputChannels * sizes.depth
    let isSmall = work < 128 * 1024
    parts = Partition(items, parts: isSmall || team.width == 1 ? 1 : team.width * 4)
    scratchCount = (count + 15) / 16 * 16
  }

  static func panelBlocks(_ window: kernels_window, _ sizes: GroupSizes) -> Int {
    let width = sizes.panelWidth * sizes.blockPanels
    return (window.outputPlane + width - 1) / width
  }

  /// Pixels of a block of channels-last work: some tiles, so that a panel of weights is used several times.
  /// As many as the second-level cache keeps, between six tiles and what fourteen of the smaller ones hold.
  static func blockRows(_ sizes: GroupSizes, _ table: KernelTable) -> Int {
    let rows = table.level.tileRows
    let fitting = table.level.cachedFloats / max(1, sizes.depth * rows)
    return max(6, min(84 / rows, fitting)) * rows
  }

  static func blocks(_ window: kernels_window, _ sizes: GroupSizes, _ table: KernelTable) -> Int {
    let rows = blockRows(sizes, table)
    return (window.outputPlane + rows - 1) / rows
  }
}

extension Convolution {
  /// Items are blocks of panels of output positions: (image, group, block). The weights are the left-hand
  /// matrix, and a tile of them goes along the whole block, so that a plane is written in long pieces.
  func multiplyPanels(
    _ window: kernels_window, _ images: Images, _ items: Range<Int>, _ scratch: UnsafeMutablePointer<Float>?
  ) {
    guard let scratch else { return }
    let sizes = GroupSizes(parameters, table)
    let blocks = ConvolutionJobs.panelBlocks(window, sizes)
    let positions = window.outputPlane
    let panels = (positions + sizes.panelWidth - 1) / sizes.panelWidth
    var product = kernels_product()
    product.m = Int64(sizes.outputs)
    product.n = Int64(positions)
    product.k = Int64(sizes.depth)
    product.tile_rows = Int64(sizes.tileRows)
    product.a_tile = Int64(sizes.tileRows * sizes.depth)
    product.a_row = 1
    product.a_step = Int64(sizes.tileRows)
    product.b_row = Int64(sizes.panelWidth)
    product.b_panel = Int64(sizes.panelWidth * sizes.depth)
    product.c_row = Int64(positions)
    for item in items {
      let firstPanel = item % blocks * sizes.blockPanels
      let endPanel = min(panels, firstPanel + sizes.blockPanels)
      let plane = item / blocks
      let group = plane % sizes.groups
      unfold(
        window, images.input + plane * sizes.inputs * window.inputPlane, sizes, firstPanel..<endPanel, scratch
      )
      product.a = UnsafePointer(weights.floats + group * sizes.tiles * sizes.tileRows * sizes.depth)
      product.b = UnsafePointer(scratch - firstPanel * sizes.panelWidth * sizes.depth)
      product.c = images.output + plane * sizes.outputs * positions
      product.epilogue = epilogue(images.activation, firstChannel: group * sizes.outputs)
      product.epilogue.residual = images.residual.map { $0 + plane * sizes.outputs * positions }
      product.epilogue.residual_stride = Int64(positions)
      for tile in 0..<sizes.tiles {
        table.level.multiply(
          &product, firstTile: tile, endTile: tile + 1, firstPanel: firstPanel, endPanel: endPanel)
      }
    }
  }

  /// Panels of one group of an image's channels, one after the other.
  private func unfold(
    _ window: kernels_window, _ input: UnsafePointer<Float>, _ sizes: GroupSizes, _ panels: Range<Int>,
    _ target: UnsafeMutablePointer<Float>
  ) {
    if parameters.isPointwise {
      table.level.packB(
        input, k: sizes.inputs, n: window.outputPlane, stride: window.inputPlane, transposed: false,
        firstPanel: panels.lowerBound, endPanel: panels.upperBound, target)
      return
    }
    var window = window
    for panel in panels {
      let first = panel * sizes.panelWidth
      table.level.unfoldPanel(
        &window, input, channels: sizes.inputs, firstPosition: first,
        count: min(sizes.panelWidth, window.outputPlane - first),
        target + (panel - panels.lowerBound) * sizes.panelWidth * sizes.depth)
    }
  }

  /// Items are blocks of output pixels: (image, group, block). The weights are the right-hand matrix.
  func multiplyPixels(
    _ window: kernels_window, _ images: Images, _ items: Range<Int>, _ scratch: UnsafeMutablePointer<Float>?
  ) {
    let sizes = GroupSizes(parameters, table)
    let blocks = ConvolutionJobs.blocks(window, sizes, table)
    let blockRows = ConvolutionJobs.blockRows(sizes, table)
    let step = parameters.outputChannels
    var window = window
    for item in items {
      let group = item / blocks % sizes.groups
      let image = item / blocks / sizes.groups
      let first = item % blocks * blockRows
      let rows = min(blockRows, window.outputPlane - first)
      let input = images.input + image * window.inputPlane * parameters.inputChannels + group * sizes.inputs
      let tiles = (rows + table.level.tileRows - 1) / table.level.tileRows
      var product = kernels_product()
      product.m = Int64(rows)
      product.n = Int64(sizes.outputs)
      product.k = Int64(sizes.depth)
      product.tile_rows = Int64((rows + tiles - 1) / tiles)
      product.a_step = 1
      if parameters.isPointwise {
        product.a = input + first * parameters.inputChannels
        product.a_row = Int64(parameters.inputChannels)
      } else if let scratch {
        table.level.unfoldRows(
          &window, input, channels: sizes.inputs, pixelStride: parameters.inputChannels, firstPosition: first,
          count: rows, scratch)
        product.a = UnsafePointer(scratch)
        product.a_row = Int64(sizes.depth)
      }
      product.a_tile = product.tile_rows * product.a_row
      product.b = UnsafePointer(weights.floats + group * sizes.panels * sizes.panelWidth * sizes.depth)
      product.b_row = Int64(sizes.panelWidth)
      product.b_panel = Int64(sizes.panelWidth * sizes.depth)
      let offset = (image * window.outputPlane + first) * step + group * sizes.outputs
      product.c = images.output + offset
      product.c_row = Int64(step)
      product.epilogue = epilogue(images.activation, firstChannel: group * sizes.outputs)
      product.epilogue.residual = images.residual.map { $0 + offset }
      product.epilogue.residual_stride = Int64(step)
      table.level.multiply(&product, firstTile: 0, endTile: tiles, firstPanel: 0, endPanel: sizes.panels)
    }
  }
}

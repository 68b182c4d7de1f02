internal import CKernels

extension Convolution {
  func winogradPlan(_ window: kernels_window, batch: Int, team: ThreadTeam) -> WinogradPlan {
    WinogradPlan(
      outputs: method == .winograd4 ? 4 : 2, height: Int(window.out_height), width: Int(window.out_width),
      batch: batch, inputChannels: parameters.inputChannels, outputChannels: parameters.outputChannels,
      panelWidth: table.level.panelWidth, teamWidth: team.width)
  }

  /// Each place's matrix of weights, packed, one after the other.
  static func winogradWeights(
    _ weights: UnsafePointer<Float>, _ parameters: ConvolutionParameters, outputs: Int, _ table: KernelTable
  ) -> AlignedMemory {
    let width = table.level.panelWidth
    let (inputs, filters) = (parameters.inputChannels, parameters.outputChannels)
    let places = (outputs + 2) * (outputs + 2)
    let room = AlignedMemory(floatCount: places * width * inputs)
    let memory = AlignedMemory(floatCount: places * inputs * ((filters + width - 1) / width * width))
    table.level.winogradFilters(
      weights, outputs: outputs, inputChannels: inputs, outputChannels: filters, room: room.floats,
      memory.floats)
    return memory
  }

  func runWinograd(
    _ window: kernels_window, _ images: Images, batch: Int, _ scratch: UnsafeMutablePointer<Float>?,
    _ team: ThreadTeam
  ) {
    guard let scratch else { return }
    let plan = winogradPlan(window, batch: batch, team: team)
    let items = batch * plan.blocks
    let room = WinogradRoom(plan, window, self, rooms: plan.sharesBlocks ? team.width : 1)
    if plan.sharesBlocks {
      for item in 0..<items {
        WinogradBlock(self, plan, window, images, room, item, scratch).run(team)
      }
      return
    }
    let parts = Partition(items, parts: team.width == 1 ? 1 : team.width * 4)
    team.parallelFor(parts.parts) { part in
      for item in parts[part] {
        WinogradBlock(self, plan, window, images, room, item, scratch + part * room.count).run(.single)
      }
    }
  }

  func winogradScratchCount(_ window: kernels_window, batch: Int, team: ThreadTeam) -> Int {
    let plan = winogradPlan(window, batch: batch, team: team)
    let parts = Partition(batch * plan.blocks, parts: team.width == 1 ? 1 : team.width * 4).parts
    let room = WinogradRoom(plan, window, self, rooms: plan.sharesBlocks ? team.width : 1)
    return (plan.sharesBlocks ? 1 : parts) * room.count
  }
}

/// Where in its scratch a block keeps what; in floats, each a multiple of sixteen.
struct WinogradRoom {
  /// The products' left-hand and result matrices.
  let products: Int
  /// The block's pixels, channels last, and their number of rows and columns: channels-first images only.
  let inputPixels: Int
  let inputRows: Int
  let inputColumns: Int
  let outputPixels: Int
  /// Tiles in work, one a thread.
  let tiles: Int
  let count: Int

  static let tileCount = 36 * 16

  init(_ plan: WinogradPlan, _ window: kernels_window, _ convolution: Convolution, rooms: Int) {
    products = plan.points * plan.inputPoint
    inputPixels = products + plan.points * plan.outputPoint
    inputRows = min(plan.blockRows * plan.outputs + 2, Int(window.height))
    inputColumns = min(plan.blockColumns * plan.outputs + 2, Int(window.width))
    let isPlanar = convolution.layout == .channelsFirst
    outputPixels = inputPixels + (isPlanar ? inputRows * inputColumns * plan.inputStride : 0)
    let outputs = plan.blockTiles * plan.outputs * plan.outputs
    tiles = outputPixels + (isPlanar ? outputs * plan.outputStride : 0)
    count = tiles + rooms * WinogradRoom.tileCount
  }
}

/// A block of tiles of one image.
struct WinogradBlock {
  let convolution: Convolution
  let plan: WinogradPlan
  let window: kernels_window
  let images: Images
  let room: WinogradRoom
  let scratch: UnsafeMutablePointer<Float>
  let image: Int
  /// Tiles of this block.
  let rows: Int
  let columns: Int
  /// The first output pixel, and how many there are.
  let top: Int
  let left: Int
  let height: Int
  let width: Int

  private var level: any LevelKernels.Type { convolution.table.level }
  private var inputs: Int { convolution.parameters.inputChannels }
  private var outputs: Int { convolution.parameters.outputChannels }
  private var isPlanar: Bool { convolution.layout == .channelsFirst }

  init(
    _ convolution: Convolution, _ plan: WinogradPlan, _ window: kernels_window, _ images: Images,
    _ room: WinogradRoom, _ item: Int, _ scratch: UnsafeMutablePointer<Float>
  ) {
    self.convolution = convolution
    self.plan = plan
    self.window = window
    self.images = images
    self.room = room
    self.scratch = scratch
    image = item / plan.blocks
    let across = (plan.columns + plan.blockColumns - 1) / plan.blockColumns
    let firstRow = item % plan.blocks / across * plan.blockRows
    let firstColumn = item % plan.blocks % across * plan.blockColumns
    rows = min(plan.blockRows, plan.rows - firstRow)
    columns = min(plan.blockColumns, plan.columns - firstColumn)
    top = firstRow * plan.outputs
    left = firstColumn * plan.outputs
    height = min(rows * plan.outputs, Int(window.out_height) - top)
    width = min(columns * plan.outputs, Int(window.out_width) - left)
  }

  func run(_ team: ThreadTeam) {
    let tiles = Partition(rows * columns, parts: team.width)
    let source = isPlanar ? readPlanes(team) : pixelSource()
    team.parallelFor(tiles.parts) { part in
      var source = source
      source.room = roomOfTile(part)
      level.winogradForward(
        &source, outputs: plan.outputs, firstTile: tiles[part].lowerBound, endTile: tiles[part].upperBound)
    }
    multiply(team)
    let target = isPlanar ? planeTarget() : pixelTarget()
    team.parallelFor(tiles.parts) { part in
      var target = target
      target.room = roomOfTile(part)
      level.winogradBackward(
        &target, outputs: plan.outputs, firstTile: tiles[part].lowerBound, endTile: tiles[part].upperBound)
    }
    if isPlanar {
      writePlanes(team)
    } else {
      finishPixels()
    }
  }

  private func roomOfTile(_ part: Int) -> UnsafeMutablePointer<Float> {
    scratch + room.tiles + part * WinogradRoom.tileCount
  }

  /// A product for each place of evaluation: [tiles, inputs] · [inputs, outputs].
  private func multiply(_ team: ThreadTeam) {
    let width = level.panelWidth
    let panels = (outputs + width - 1) / width
    let tiles = (rows * columns + level.tileRows - 1) / level.tileRows
    var product = kernels_product()
    product.m = Int64(rows * columns)
    product.n = Int64(panels * width)
    product.k = Int64(inputs)
    product.tile_rows = Int64((rows * columns + tiles - 1) / tiles)
    product.a_row = Int64(plan.inputStride)
    product.a_step = 1
    product.a_tile = product.tile_rows * product.a_row
    product.b_row = Int64(width)
    product.b_panel = Int64(width * inputs)
    product.c_row = Int64(plan.outputStride)
    product.epilogue = kernels_epilogue(Activation.none.code)
    let parts = Partition(plan.points * panels, parts: team.width == 1 ? 1 : team.width * 4)
    team.parallelFor(parts.parts) { part in
      var product = product
      var item = parts[part].lowerBound
      while item < parts[part].upperBound {
        let (point, panel) = (item / panels, item % panels)
        let end = min(panels, panel + parts[part].upperBound - item)
        product.a = UnsafePointer(scratch + point * plan.inputPoint)
        product.b = UnsafePointer(convolution.weights.floats + point * panels * width * inputs)
        product.c = scratch + room.products + point * plan.outputPoint
        level.multiply(&product, firstTile: 0, endTile: tiles, firstPanel: panel, endPanel: end)
        item += end - panel
      }
    }
  }
}

// The block's pixels, before and after.
extension WinogradBlock {
  private func tiles() -> kernels_tiles {
    var tiles = kernels_tiles()
    tiles.rows = Int64(rows)
    tiles.columns = Int64(columns)
    return tiles
  }

  /// The input of a channels-last image, read where it is.
  private func pixelSource() -> kernels_tiles {
    var tiles = tiles()
    tiles.source = images.input + image * window.inputPlane * inputs
    tiles.row_stride = window.width * Int64(inputs)
    tiles.pixel_stride = Int64(inputs)
    tiles.height = window.height
    tiles.width = window.width
    tiles.top = Int64(top) - window.pad_top
    tiles.left = Int64(left) - window.pad_left
    return points(tiles, scratch, inputs, plan.inputPoint, plan.inputStride)
  }

  private func points(
    _ tiles: kernels_tiles, _ values: UnsafeMutablePointer<Float>, _ channels: Int, _ point: Int, _ tile: Int
  ) -> kernels_tiles {
    var tiles = tiles
    tiles.channels = Int64(channels)
    tiles.points = values
    tiles.point_stride = Int64(point)
    tiles.tile_stride = Int64(tile)
    return tiles
  }

  /// The pixels that the block reads from planes, transposed to channels last.
  private func readPlanes(_ team: ThreadTeam) -> kernels_tiles {
    let firstY = max(0, top - Int(window.pad_top))
    let endY = max(firstY, min(Int(window.height), top - Int(window.pad_top) + rows * plan.outputs + 2))
    let firstX = max(0, left - Int(window.pad_left))
    let endX = max(firstX, min(Int(window.width), left - Int(window.pad_left) + columns * plan.outputs + 2))
    let target = scratch + room.inputPixels
    let source = images.input + image * inputs * window.inputPlane + firstY * Int(window.width) + firstX
    let parts = Partition((inputs + 15) / 16, parts: team.width)
    team.parallelFor(parts.parts) { part in
      let first = parts[part].lowerBound * 16
      let channels = min(inputs, parts[part].upperBound * 16) - first
      // Whole rows lie together and are one long run.
      let isWhole = endX - firstX == Int(window.width)
      let count = isWhole ? (endY - firstY) * Int(window.width) : endX - firstX
      for row in 0..<(isWhole ? 1 : endY - firstY) {
        level.transpose(
          elementSize: 4, source + first * window.inputPlane + row * Int(window.width), rows: channels,
          columns: count, sourceRow: window.inputPlane,
          target + row * (endX - firstX) * plan.inputStride + first, targetRow: plan.inputStride)
      }
    }
    var tiles = tiles()
    tiles.source = UnsafePointer(target)
    tiles.row_stride = Int64((endX - firstX) * plan.inputStride)
    tiles.pixel_stride = Int64(plan.inputStride)
    tiles.height = Int64(endY - firstY)
    tiles.width = Int64(endX - firstX)
    tiles.top = Int64(top - firstY) - window.pad_top
    tiles.left = Int64(left - firstX) - window.pad_left
    return points(tiles, scratch, inputs, plan.inputPoint, plan.inputStride)
  }

  /// The output of a channels-last image, finished where it is.
  private func pixelTarget() -> kernels_tiles {
    var tiles = tiles()
    let offset = image * window.outputPlane * outputs
    tiles.target = images.output + offset
    tiles.residual = images.residual.map { $0 + offset }
    tiles.row_stride = window.out_width * Int64(outputs)
    tiles.pixel_stride = Int64(outputs)
    tiles.height = window.out_height
    tiles.width = window.out_width
    tiles.top = Int64(top)
    tiles.left = Int64(left)
    tiles.bias = convolution.bias.map { UnsafePointer($0.floats) }
    (tiles.low, tiles.high) = convolution.activation.clipBounds
    return points(tiles, scratch + room.products, outputs, plan.outputPoint, plan.outputStride)
  }

  /// The output of a channels-first image, before its transposition.
  private func planeTarget() -> kernels_tiles {
    var tiles = tiles()
    tiles.target = scratch + room.outputPixels
    tiles.row_stride = Int64(width * plan.outputStride)
    tiles.pixel_stride = Int64(plan.outputStride)
    tiles.height = Int64(height)
    tiles.width = Int64(width)
    tiles.bias = convolution.bias.map { UnsafePointer($0.floats) }
    let isLast = images.residual == nil
    (tiles.low, tiles.high) = isLast ? convolution.activation.clipBounds : (-.infinity, .infinity)
    return points(tiles, scratch + room.products, outputs, plan.outputPoint, plan.outputStride)
  }

  private func finishPixels() {
    for y in 0..<height {
      let pixel = image * window.outputPlane + (top + y) * Int(window.out_width) + left
      convolution.finishClipped(images.output + pixel * outputs, width * outputs)
    }
  }

  private func writePlanes(_ team: ThreadTeam) {
    let source = scratch + room.outputPixels
    let plane = window.outputPlane
    let outWidth = Int(window.out_width)
    let offset = image * outputs * plane + top * outWidth + left
    let parts = Partition((outputs + 15) / 16, parts: team.width)
    team.parallelFor(parts.parts) { part in
      let first = parts[part].lowerBound * 16
      let channels = min(outputs, parts[part].upperBound * 16) - first
      let isWhole = width == outWidth
      let count = isWhole ? height * width : width
      for row in 0..<(isWhole ? 1 : height) {
        level.transpose(
          elementSize: 4, source + row * width * plan.outputStride + first, rows: count, columns: channels,
          sourceRow: plan.outputStride, images.output + offset + first * plane + row * outWidth,
          targetRow: plane)
      }
      finishPlanes(first, channels, offset)
    }
  }

  private func finishPlanes(_ first: Int, _ channels: Int, _ offset: Int) {
    let outWidth = Int(window.out_width)
    if convolution.activation.isClip && images.residual == nil { return }
    for channel in first..<(first + channels) {
      let start = offset + channel * window.outputPlane
      var epilogue = kernels_epilogue(convolution.activation.code)
      epilogue.residual = images.residual.map { $0 + start }
      epilogue.residual_stride = Int64(outWidth)
      level.finish(
        &epilogue, images.output + start, sourceRow: outWidth, images.output + start, cRow: outWidth,
        rows: height, columns: width)
    }
  }
}

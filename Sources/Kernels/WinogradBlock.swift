internal import CKernels

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

  var level: any LevelKernels.Type { convolution.table.level }
  var inputs: Int { convolution.parameters.inputChannels }
  var outputs: Int { convolution.parameters.outputChannels }
  var isPlanar: Bool { convolution.layout == .channelsFirst }

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

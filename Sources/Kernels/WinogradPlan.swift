/// How a Winograd convolution is cut: blocks of tiles, each transformed, multiplied and transformed back
/// while it is in the cache.
struct WinogradPlan {
  /// Outputs of a tile along one axis: 2 or 4.
  let outputs: Int
  /// Tiles of the whole image.
  let rows: Int
  let columns: Int
  /// Tiles of a block.
  let blockRows: Int
  let blockColumns: Int
  /// Blocks of one image.
  let blocks: Int
  /// Too few blocks for the team: it works on one after the other, together.
  let sharesBlocks: Bool
  /// Elements from one tile to the next, before and after the products.
  let inputStride: Int
  let outputStride: Int

  var points: Int { (outputs + 2) * (outputs + 2) }
  var blockTiles: Int { blockRows * blockColumns }
  /// Elements from one point to the next.
  var inputPoint: Int { blockTiles * inputStride + 16 }
  var outputPoint: Int { blockTiles * outputStride + 16 }

  init(
    outputs: Int, height: Int, width: Int, batch: Int, inputChannels: Int, outputChannels: Int,
    panelWidth: Int, cachedFloats: Int, teamWidth: Int
  ) {
    self.outputs = outputs
    rows = (height + outputs - 1) / outputs
    columns = (width + outputs - 1) / outputs
    inputStride = WinogradPlan.stride(inputChannels, multipleOf: 16)
    outputStride = WinogradPlan.stride(outputChannels, multipleOf: max(panelWidth, 16))
    let wanted = WinogradPlan.blockTiles(
      points: (outputs + 2) * (outputs + 2), inputStride + outputStride, cachedFloats)
    let across = Partition(columns, parts: (columns + wanted - 1) / wanted).parts
    blockColumns = (columns + across - 1) / across
    let down = Partition(rows, parts: (rows * blockColumns + wanted - 1) / wanted)
    blockRows = (rows + down.parts - 1) / down.parts
    blocks = ((rows + blockRows - 1) / blockRows) * ((columns + blockColumns - 1) / blockColumns)
    sharesBlocks = teamWidth > 1 && batch * blocks < 4 * teamWidth
  }

  /// Tiles of a block that fill half of a second-level cache, but enough of them for the weights to be read
  /// seldom.
  private static func blockTiles(points: Int, _ channels: Int, _ cachedFloats: Int) -> Int {
    min(max(cachedFloats / (points * channels), minimumTiles), 64)
  }

  /// All channels, in an odd number of cache lines: tiles a power of two apart would push one another out.
  private static func stride(_ channels: Int, multipleOf width: Int) -> Int {
    let rounded = (channels + width - 1) / width * width
    return rounded % 32 == 0 ? rounded + 16 : rounded
  }
}

private let minimumTiles = 28

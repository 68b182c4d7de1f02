/// How a product is cut into tiles and what of it is packed first: a pure function of its shape, of the
/// table's tile and of the team's width.
struct ProductPlan {
  /// Rows of C in a tile, evenly shared out, and the number of such tiles.
  let tileRows: Int
  let tiles: Int
  let panels: Int
  /// A is copied, each tile's columns together: its rows lie a multiple of a page apart, and would push
  /// one another out of the cache.
  let packsA: Bool
  /// B is copied into panels: it is transposed, or used by several tiles.
  let packsB: Bool
  /// The last panel alone is copied, padded to full width.
  let packsLastPanel: Bool
  /// Floats of scratch.
  let countA: Int
  let countB: Int

  init(_ shape: MatmulShape, isPacked: Bool, table: KernelTable) {
    let width = table.level.panelWidth
    tiles = (shape.m + table.level.tileRows - 1) / table.level.tileRows
    tileRows = tiles == 0 ? 1 : (shape.m + tiles - 1) / tiles
    panels = (shape.n + width - 1) / width
    let isPageStride = !shape.transposeA && shape.strideA % 1024 == 0
    packsA = isPageStride && tileRows > 4 && panels > 2
    packsB = !isPacked && (shape.transposeB || tiles > 2)
    packsLastPanel = !isPacked && !packsB && shape.n % width != 0
    countA = packsA ? (tiles * tileRows * shape.k + 15) / 16 * 16 : 0
    countB = packsB ? panels * width * shape.k : packsLastPanel ? width * shape.k : 0
  }

  var scratchByteCount: Int { (countA + countB) * MemoryLayout<Float>.stride }
}

/// The work of a loop over `count` items, cut into ranges of nearly equal length.
struct Partition {
  let count: Int
  let parts: Int

  /// At most `parts` ranges, none empty (but one range for no items).
  init(_ count: Int, parts: Int) {
    self.count = count
    self.parts = max(1, min(parts, count))
  }

  subscript(_ part: Int) -> Range<Int> { (part * count / parts)..<((part + 1) * count / parts) }
}

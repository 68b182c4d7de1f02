public import CKernels

extension Level {
  /// The part of a product that `tiles` (rows of tiles) and `panels` (columns of tiles) name, finished by the
  /// epilogue. Panels are the outer loop: a panel of B stays in the cache while A goes by, and A is taken
  /// in blocks of rows that stay there while all panels go by.
  public static func multiply(
    _ product: UnsafePointer<kernels_product>, firstTile: Int, endTile: Int, firstPanel: Int, endPanel: Int
  ) {
    let k = Int(product.pointee.k)
    let blockTiles = greater(
      Level.leastBlockTiles, Level.cachedFloats / greater(1, k * Int(product.pointee.tile_rows)))
    var blockStart = firstTile
    while blockStart < endTile {
      let blockEnd = lesser(blockStart + blockTiles, endTile)
      var done = firstPanel
      while done < endPanel {
        let panel = product.pointee.backward ? endPanel - 1 - (done - firstPanel) : done
        var tile = blockStart
        while tile < blockEnd {
          multiplyTile(product, tile: tile, panel: panel)
          tile += 1
        }
        done += 1
      }
      blockStart = blockEnd
    }
  }
}

@inline(__always)
private func multiplyTile(_ product: UnsafePointer<kernels_product>, tile: Int, panel: Int) {
  let firstRow = tile * Int(product.pointee.tile_rows)
  let rows = lesser(Int(product.pointee.tile_rows), Int(product.pointee.m) - firstRow)
  let firstColumn = panel * Level.panelWidth
  let columns = lesser(Level.panelWidth, Int(product.pointee.n) - firstColumn)
  let left: TileOperand = (
    product.pointee.a + tile * Int(product.pointee.a_tile), Int(product.pointee.a_row),
    Int(product.pointee.a_step), Int(product.pointee.k), 1 + Int(product.pointee.a_more_runs),
    Int(product.pointee.a_jump)
  )
  var b = product.pointee.b + panel * Int(product.pointee.b_panel)
  var bRow = Int(product.pointee.b_row)
  if let last = product.pointee.b_last, firstColumn + Level.panelWidth >= Int(product.pointee.n) {
    b = last
    bRow = Int(product.pointee.b_last_row)
  }
  let cRow = Int(product.pointee.c_row)
  let c = product.pointee.c + firstRow * cRow + firstColumn
  if columns == Level.panelWidth, product.pointee.epilogue.isPlain {
    multiplyTile(count: rows, left, b, bRow: bRow, c, targetRow: cRow)
    return
  }
  var epilogue = product.pointee.epilogue.from(row: Int64(firstRow), column: Int64(firstColumn))
  if columns == Level.panelWidth, epilogue.isClip {
    if epilogue.activation.rawValue == 0 { (epilogue.first, epilogue.second) = (-.infinity, .infinity) }
    multiplyTile(count: rows, left, b, bRow: bRow, c, targetRow: cRow, &epilogue)
    return
  }
  var room = lanes_room()
  withUnsafeMutablePointer(to: &room) { room in
    let sums = UnsafeMutableRawPointer(room).assumingMemoryBound(to: Float.self)
    multiplyTile(count: rows, left, b, bRow: bRow, sums, targetRow: Level.panelWidth)
    Level.finish(&epilogue, sums, sourceRow: Level.panelWidth, c, cRow: cRow, rows: rows, columns: columns)
  }
}

public import CKernels

extension Level {
  /// The part of a product of short numbers that the ranges of tiles and panels name. As in `multiply`, panels
  /// are the outer loop, within blocks of A that stay in the second-level cache.
  public static func multiplyShort(
    _ product: UnsafePointer<kernels_short_product>, firstTile: Int, endTile: Int, firstPanel: Int,
    endPanel: Int
  ) {
    let tileBytes = Int(product.pointee.tile_rows * product.pointee.a_row)
    let blockTiles = greater(1, cachedBytes / greater(1, tileBytes))
    var blockStart = firstTile
    while blockStart < endTile {
      let blockEnd = lesser(blockStart + blockTiles, endTile)
      for panel in firstPanel..<endPanel {
        for tile in blockStart..<blockEnd { multiplyShortTile(product, tile: tile, panel: panel) }
      }
      blockStart = blockEnd
    }
  }

  /// Finishes `rows` rows of sums, panelWidth apart, of C's columns from `firstColumn` on.
  public static func finishShort(
    _ product: UnsafePointer<kernels_short_product>, _ sums: UnsafeMutablePointer<Int32>, firstRow: Int,
    rows: Int, firstColumn: Int, columns: Int
  ) {
    let start = firstRow * Int(product.pointee.c_row) + firstColumn
    correct(product, sums, firstRow: firstRow, rows: rows, firstColumn: firstColumn)
    switch product.pointee.sums {
    case .raw: storeSums(product, sums, start: start, rows: rows, columns: columns)
    case .float:
      let floats = UnsafeMutableRawPointer(sums).assumingMemoryBound(to: Float.self)
      var epilogue = product.pointee.epilogue.from(row: Int64(firstRow), column: Int64(firstColumn))
      let c = product.pointee.c.assumingMemoryBound(to: Float.self)
      finish(
        &epilogue, floats, sourceRow: panelWidth, c + start, cRow: Int(product.pointee.c_row), rows: rows,
        columns: columns)
    default:
      storeBytes(product, sums, start: start, rows: rows, firstColumn: firstColumn, columns: columns)
    }
  }
}

/// Half of a second-level cache of 1 MiB: the part of A that is used again for each panel of B.
private let cachedBytes = 512 * 1024

@inline(__always)
private func multiplyShortTile(
  _ product: UnsafePointer<kernels_short_product>, tile: Int, panel: Int
) {
  let firstRow = tile * Int(product.pointee.tile_rows)
  let rows = lesser(Int(product.pointee.tile_rows), Int(product.pointee.m) - firstRow)
  let firstColumn = panel * Level.panelWidth
  let columns = lesser(Level.panelWidth, Int(product.pointee.n) - firstColumn)
  let row = Int(product.pointee.a_row)
  let a = product.pointee.a + firstRow * row
  let b = product.pointee.b + panel * Int(product.pointee.b_panel)
  var room = lanes_room()
  withUnsafeMutablePointer(to: &room) { room in
    let sums = UnsafeMutableRawPointer(room).assumingMemoryBound(to: Int32.self)
    let floats = UnsafeMutableRawPointer(room).assumingMemoryBound(to: Float.self)
    switch product.pointee.kind {
    case .bytes: kernels_vnni_tile(Int64(rows), product.pointee.words, a, Int64(row), b, sums)
    case .bfloats: kernels_bf16_tile(Int64(rows), product.pointee.words, a, Int64(row), b, floats)
    default: multiplyPairs(count: rows, words: Int(product.pointee.words), a, row: row, b, sums)
    }
    Level.finishShort(
      product, sums, firstRow: firstRow, rows: rows, firstColumn: firstColumn, columns: columns)
  }
}

/// Takes the zero points out of sums of stored values, and makes them floats if they are to be:
/// Σ (a − za)(b − zb) = Σ ab − za · Σ b − zb · (Σ a − k · za).
@inline(__always)
private func correct(
  _ product: UnsafePointer<kernels_short_product>, _ sums: UnsafeMutablePointer<Int32>, firstRow: Int,
  rows: Int, firstColumn: Int
) {
  if case .bfloats = product.pointee.kind { return }
  var isFloat = false
  if case .float = product.pointee.sums { isFloat = true }
  let zeroPoints = product.pointee.row_zero_points.map { $0 + firstRow }
  let zeroPoint = product.pointee.zero_point
  let rowSums = product.pointee.row_sums.map { $0 + firstRow }
  if !isFloat, zeroPoints == nil, zeroPoint == 0, rowSums == nil { return }
  forEachPart(Level.panelWidth) { index, part in
    let columnSums =
      product.pointee.column_sums.map { loadIntegers($0 + firstColumn + index, part) } ?? .zero
    let same = lanes_i32(repeating: zeroPoint) &* columnSums
    let columnZeroPoints =
      product.pointee.column_zero_points.map { loadIntegers($0 + firstColumn + index, part) } ?? .zero
    for row in 0..<rows {
      let target = sums + row * Level.panelWidth + index
      var value = loadIntegers(target, part)
      value = value &- (zeroPoints.map { lanes_i32(repeating: $0[row]) &* columnSums } ?? same)
      if let rowSums { value = value &- lanes_i32(repeating: rowSums[row]) &* columnZeroPoints }
      storeIntegers(target, isFloat ? lanes_bits(lanes_from_integers(value)) : value, part)
    }
  }
}

@inline(__always)
private func storeSums(
  _ product: UnsafePointer<kernels_short_product>, _ sums: UnsafePointer<Int32>, start: Int, rows: Int,
  columns: Int
) {
  let c = product.pointee.c.assumingMemoryBound(to: Int32.self) + start
  for row in 0..<rows {
    forEachPart(columns) { index, part in
      let value = loadIntegers(sums + row * Level.panelWidth + index, part)
      storeIntegers(c + row * Int(product.pointee.c_row) + index, value, part)
    }
  }
}

@inline(__always)
private func storeBytes(
  _ product: UnsafePointer<kernels_short_product>, _ sums: UnsafePointer<Int32>, start: Int, rows: Int,
  firstColumn: Int, columns: Int
) {
  let c = product.pointee.c.assumingMemoryBound(to: UInt8.self) + start
  let bias = product.pointee.column_bias.map { $0 + firstColumn }
  let scales = product.pointee.column_scale.map { $0 + firstColumn }
  let factor = splat(product.pointee.scale)
  let offset = product.pointee.offset
  let low = splat(Float(product.pointee.low - offset))
  let high = splat(Float(product.pointee.high - offset))
  for row in 0..<rows {
    forEachPart(columns) { index, part in
      var sum = loadIntegers(sums + row * Level.panelWidth + index, part)
      if let bias { sum = sum &+ loadIntegers(bias + index, part) }
      var value = lanes_from_integers(sum)
      value *= scales.map { loadPart($0 + index, part) * factor } ?? factor
      let byte = roundedToEven(lanes_less(lanes_greater(value, low), high)) &+ lanes_i32(repeating: offset)
      lanes_store_bytes(c + row * Int(product.pointee.c_row) + index, byte, Int64(part))
    }
  }
}

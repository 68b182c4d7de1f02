public import CKernels

extension Level {
  /// The part of a product of short numbers that the ranges of tiles and panels name. As in `multiply`, panels
  /// are the outer loop, within blocks of A that stay in the second-level cache.
  public static func multiplyShort(
    _ product: UnsafePointer<kernels_short_product>, firstTile: Int, endTile: Int, firstPanel: Int,
    endPanel: Int
  ) {
    let tileBytes = Int(product.pointee.tile_rows * product.pointee.a_row)
    let blockTiles = greater(1, 4 * Level.cachedFloats / greater(1, tileBytes))
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
    if product.pointee.hasPlainSums, product.pointee.epilogue.isScaledClip, case .float = product.pointee.sums
    {
      storeFloats(product, sums, start: start, rows: rows, firstColumn: firstColumn, columns: columns)
      return
    }
    if !product.pointee.hasPlainSums || !product.pointee.isBytes {
      correct(product, sums, firstRow: firstRow, rows: rows, firstColumn: firstColumn)
    }
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
      storeBytes(
        product, Integers.self, UnsafeRawPointer(sums), sumsRow: panelWidth, start: start, rows: rows,
        firstColumn: firstColumn, columns: columns)
    }
  }
}

extension kernels_short_product {
  /// A's zero point is one, and B has none: what is to be taken from a sum depends on its column alone.
  @inline(__always)
  var hasPlainSums: Bool { row_zero_points == nil && row_sums == nil }

  @inline(__always)
  var isBytes: Bool {
    if case .bytes = sums { return true }
    return false
  }
}

extension kernels_epilogue {
  /// Nothing but scales, a bias a column, and bounds.
  @inline(__always)
  fileprivate var isScaledClip: Bool {
    row_scale == nil && row_bias == nil && residual == nil && beta == 0
      && (activation.rawValue == 0 || activation.rawValue == kernels_activation.clip.rawValue)
  }
}

/// What is taken from a column's sums.
@inline(__always)
private func columnCorrection(
  _ product: UnsafePointer<kernels_short_product>, _ column: Int, _ part: Int
) -> lanes_i32 {
  guard let sums = product.pointee.column_sums, product.pointee.zero_point != 0 else { return .zero }
  return lanes_i32(repeating: product.pointee.zero_point) &* loadIntegers(sums + column, part)
}

/// c = clip((sum − correction) · scale + bias): corrected, scaled and stored in one go.
private func storeFloats(
  _ product: UnsafePointer<kernels_short_product>, _ sums: UnsafePointer<Int32>, start: Int, rows: Int,
  firstColumn: Int, columns: Int
) {
  let c = product.pointee.c.assumingMemoryBound(to: Float.self) + start
  let row = Int(product.pointee.c_row)
  let epilogue = product.pointee.epilogue
  let isClipped = epilogue.activation.rawValue != 0
  var isFloat = false
  if case .bfloats = product.pointee.kind { isFloat = true }
  forEachPart(columns) { index, part in
    let column = firstColumn + index
    let correction = isFloat ? .zero : columnCorrection(product, column, part)
    var scale = splat(epilogue.alpha)
    if let scales = epilogue.column_scale { scale *= loadPart(scales + column, part) }
    let bias = epilogue.column_bias.map { loadPart($0 + column, part) } ?? splat(0)
    for line in 0..<rows {
      let sum = lanes_load_integers(sums + line * Level.panelWidth + index)
      var value = isFloat ? lanes_from_bits(sum) : lanes_from_integers(sum &- correction)
      value = lanes_multiply_add(value, scale, bias)
      if isClipped { value = Clip.apply(value, splat(epilogue.first), splat(epilogue.second)) }
      storePart(c + line * row + index, value, part)
    }
  }
}

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
    case .narrowBytes:
      multiplyNarrowBytes(count: rows, words: Int(product.pointee.words), a, row: row, b, sums)
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

/// How sums stand in memory: types without values, as `LaneFunction`'s.
protocol SumFormat {
  static func load(_ sums: UnsafeRawPointer, _ index: Int, _ part: Int) -> lanes_i32
}

enum Integers: SumFormat {
  @inline(__always)
  static func load(_ sums: UnsafeRawPointer, _ index: Int, _ part: Int) -> lanes_i32 {
    loadIntegers(sums.assumingMemoryBound(to: Int32.self) + index, part)
  }
}

enum WholeNumbers: SumFormat {
  @inline(__always)
  static func load(_ sums: UnsafeRawPointer, _ index: Int, _ part: Int) -> lanes_i32 {
    lanes_to_integers(loadPart(sums.assumingMemoryBound(to: Float.self) + index, part))
  }
}

/// Rounds and saturates sums, `sumsRow` elements from one row to the next, into C's elements from `start` on.
@inline(__always)
func storeBytes<Format: SumFormat>(
  _ product: UnsafePointer<kernels_short_product>, _ format: Format.Type, _ sums: UnsafeRawPointer,
  sumsRow: Int, start: Int, rows: Int, firstColumn: Int, columns: Int
) {
  let c = product.pointee.c.assumingMemoryBound(to: UInt8.self) + start
  let row = Int(product.pointee.c_row)
  let factor = splat(product.pointee.scale)
  let offset = lanes_i32(repeating: product.pointee.offset)
  let low = splat(Float(product.pointee.low - product.pointee.offset))
  let high = splat(Float(product.pointee.high - product.pointee.offset))
  let isPlain = product.pointee.hasPlainSums
  forEachPart(columns) { index, part in
    let column = firstColumn + index
    // Sums with a zero point a row have been corrected by themselves.
    var shift = isPlain ? lanes_i32.zero &- columnCorrection(product, column, part) : .zero
    if let bias = product.pointee.column_bias { shift = shift &+ loadIntegers(bias + column, part) }
    var scale = factor
    if let scales = product.pointee.column_scale { scale *= loadPart(scales + column, part) }
    for line in 0..<rows {
      let sum = format.load(sums, line * sumsRow + index, part) &+ shift
      let value = lanes_less(lanes_greater(lanes_from_integers(sum) * scale, low), high)
      lanes_store_bytes(c + line * row + index, roundedToEven(value) &+ offset, Int64(part))
    }
  }
}

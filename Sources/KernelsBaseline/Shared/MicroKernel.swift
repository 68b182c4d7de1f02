internal import CKernels

/// The rows of a tile: a type for each number, since generic code is made for each type, with the number a
/// constant in it, and inlined code need not be.
protocol TileHeight {
  static var rows: Int { get }
}
private enum Height2: TileHeight { @inline(__always) static var rows: Int { 2 } }
private enum Height3: TileHeight { @inline(__always) static var rows: Int { 3 } }
private enum Height4: TileHeight { @inline(__always) static var rows: Int { 4 } }
private enum Height5: TileHeight { @inline(__always) static var rows: Int { 5 } }
private enum Height6: TileHeight { @inline(__always) static var rows: Int { 6 } }
private enum Height7: TileHeight { @inline(__always) static var rows: Int { 7 } }
private enum Height8: TileHeight { @inline(__always) static var rows: Int { 8 } }
private enum Height9: TileHeight { @inline(__always) static var rows: Int { 9 } }
private enum Height10: TileHeight { @inline(__always) static var rows: Int { 10 } }
private enum Height11: TileHeight { @inline(__always) static var rows: Int { 11 } }
private enum Height12: TileHeight { @inline(__always) static var rows: Int { 12 } }
private enum Height13: TileHeight { @inline(__always) static var rows: Int { 13 } }
private enum Height14: TileHeight { @inline(__always) static var rows: Int { 14 } }

/// target[rows, panelWidth] = a[rows, k] · b[k, panelWidth], the tile held in registers and finished there
/// if there is an epilogue, which `isClip` holds for.
private func multiplyTile<Height: TileHeight>(
  _ height: Height.Type, _ left: TileOperand, _ b: UnsafePointer<Float>, bRow: Int,
  _ target: UnsafeMutablePointer<Float>, targetRow: Int, _ epilogue: UnsafePointer<kernels_epilogue>?
) {
  var c0 = zeroTileRow
  var c1 = zeroTileRow
  var c2 = zeroTileRow
  var c3 = zeroTileRow
  var c4 = zeroTileRow
  var c5 = zeroTileRow
  var c6 = zeroTileRow
  var c7 = zeroTileRow
  var c8 = zeroTileRow
  var c9 = zeroTileRow
  var c10 = zeroTileRow
  var c11 = zeroTileRow
  var c12 = zeroTileRow
  var c13 = zeroTileRow
  let (row, step) = (left.row, left.step)
  var a0 = left.a
  var a4 = left.a + 4 * row
  var a8 = left.a + 8 * row
  var a12 = left.a + 12 * row
  var b = b
  for _ in 0..<left.runs {
    for _ in 0..<left.k {
      let right = loadTileRow(b)
      accumulate(&c0, right, a0[0])
      if Height.rows > 1 { accumulate(&c1, right, a0[row]) }
      if Height.rows > 2 { accumulate(&c2, right, a0[2 * row]) }
      if Height.rows > 3 { accumulate(&c3, right, a0[3 * row]) }
      if Height.rows > 4 { accumulate(&c4, right, a4[0]) }
      if Height.rows > 5 { accumulate(&c5, right, a4[row]) }
      if Height.rows > 6 { accumulate(&c6, right, a4[2 * row]) }
      if Height.rows > 7 { accumulate(&c7, right, a4[3 * row]) }
      if Height.rows > 8 { accumulate(&c8, right, a8[0]) }
      if Height.rows > 9 { accumulate(&c9, right, a8[row]) }
      if Height.rows > 10 { accumulate(&c10, right, a8[2 * row]) }
      if Height.rows > 11 { accumulate(&c11, right, a8[3 * row]) }
      if Height.rows > 12 { accumulate(&c12, right, a12[0]) }
      if Height.rows > 13 { accumulate(&c13, right, a12[row]) }
      a0 += step
      a4 += step
      a8 += step
      a12 += step
      b += bRow
    }
    a0 += left.jump
    a4 += left.jump
    a8 += left.jump
    a12 += left.jump
  }
  @inline(__always)
  func store(_ sum: TileRow, _ line: Int) { finishTileRow(sum, line, target, targetRow, epilogue) }
  store(c0, 0)
  if Height.rows > 1 { store(c1, 1) }
  if Height.rows > 2 { store(c2, 2) }
  if Height.rows > 3 { store(c3, 3) }
  if Height.rows > 4 { store(c4, 4) }
  if Height.rows > 5 { store(c5, 5) }
  if Height.rows > 6 { store(c6, 6) }
  if Height.rows > 7 { store(c7, 7) }
  if Height.rows > 8 { store(c8, 8) }
  if Height.rows > 9 { store(c9, 9) }
  if Height.rows > 10 { store(c10, 10) }
  if Height.rows > 11 { store(c11, 11) }
  if Height.rows > 12 { store(c12, 12) }
  if Height.rows > 13 { store(c13, 13) }
}

/// One row times a panel: four sums a column, for one alone would wait for the multiplier's latency.
private func multiplyRow(
  _ left: TileOperand, _ b: UnsafePointer<Float>, bRow: Int, _ target: UnsafeMutablePointer<Float>,
  _ epilogue: UnsafePointer<kernels_epilogue>?
) {
  var c0 = zeroTileRow
  var c1 = zeroTileRow
  var c2 = zeroTileRow
  var c3 = zeroTileRow
  let step = left.step
  var a = left.a
  var b = b
  for _ in 0..<left.runs {
    for _ in 0..<(left.k / 4) {
      accumulate(&c0, loadTileRow(b), a[0])
      accumulate(&c1, loadTileRow(b + bRow), a[step])
      accumulate(&c2, loadTileRow(b + 2 * bRow), a[2 * step])
      accumulate(&c3, loadTileRow(b + 3 * bRow), a[3 * step])
      a += 4 * step
      b += 4 * bRow
    }
    for _ in 0..<(left.k % 4) {
      accumulate(&c0, loadTileRow(b), a[0])
      a += step
      b += bRow
    }
    a += left.jump
  }
  finishTileRow(add(add(c0, c1), add(c2, c3)), 0, target, 0, epilogue)
}

@inline(__always)
private func finishTileRow(
  _ sum: TileRow, _ line: Int, _ target: UnsafeMutablePointer<Float>, _ targetRow: Int,
  _ epilogue: UnsafePointer<kernels_epilogue>?
) {
  guard let epilogue else {
    storeTileRow(sum, target + line * targetRow)
    return
  }
  var value = sum
  if let bias = epilogue.pointee.column_bias { value = add(value, loadTileRow(bias)) }
  if let bias = epilogue.pointee.row_bias { value = add(value, repeated(bias[line])) }
  if let residual = epilogue.pointee.residual {
    value = add(value, loadTileRow(residual + line * Int(epilogue.pointee.residual_stride)))
  }
  storeTileRow(clip(value, epilogue.pointee.first, epilogue.pointee.second), target + line * targetRow)
}

/// The rows of the left-hand matrix that a tile is made of: `runs` pieces of `k` columns each.
///
/// `row`: elements from a row to the next; `step`: from one column to the next; `jump`: from the end of a
/// piece to the next one.
typealias TileOperand = (a: UnsafePointer<Float>, row: Int, step: Int, k: Int, runs: Int, jump: Int)

/// target[rows, panelWidth] = a · b, for `rows` of 1 … `Level.tileRows`.
///
/// - Parameters:
///   - bRow: elements of `b` from a row to the next; each has `panelWidth` readable ones.
///   - epilogue: one that `isClip` holds for, or nil; its pointers are those for this row and column.
func multiplyTile(
  count rows: Int, _ left: TileOperand, _ b: UnsafePointer<Float>, bRow: Int,
  _ target: UnsafeMutablePointer<Float>, targetRow: Int, _ epilogue: UnsafePointer<kernels_epilogue>? = nil
) {
  @inline(__always)
  func tile<Height: TileHeight>(_ height: Height.Type) {
    multiplyTile(height, left, b, bRow: bRow, target, targetRow: targetRow, epilogue)
  }
  switch rows {
  case 1: multiplyRow(left, b, bRow: bRow, target, epilogue)
  case 2: tile(Height2.self)
  case 3: tile(Height3.self)
  case 4: tile(Height4.self)
  case 5: tile(Height5.self)
  case 6: tile(Height6.self)
  case 7: if Level.tileRows >= 7 { tile(Height7.self) }
  case 8: if Level.tileRows >= 8 { tile(Height8.self) }
  case 9: if Level.tileRows >= 9 { tile(Height9.self) }
  case 10: if Level.tileRows >= 10 { tile(Height10.self) }
  case 11: if Level.tileRows >= 11 { tile(Height11.self) }
  case 12: if Level.tileRows >= 12 { tile(Height12.self) }
  case 13: if Level.tileRows >= 13 { tile(Height13.self) }
  case 14: if Level.tileRows >= 14 { tile(Height14.self) }
  default: break
  }
}

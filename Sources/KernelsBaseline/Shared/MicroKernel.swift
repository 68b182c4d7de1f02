internal import CKernels

/// target[rows, panelWidth] = a[rows, k] · b[k, panelWidth], the tile held in registers and finished there
/// if there is an epilogue, which `isClip` holds for.
///
/// `rows` is constant where this is inlined, and so the rows beyond it vanish.
@inline(__always)
private func multiplyTile(
  rows: Int, k: Int, _ a: UnsafePointer<Float>, row: Int, step: Int, _ b: UnsafePointer<Float>, bRow: Int,
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
  var a0 = a
  var a4 = a + 4 * row
  var a8 = a + 8 * row
  var a12 = a + 12 * row
  var b = b
  for _ in 0..<k {
    let right = loadTileRow(b)
    accumulate(&c0, right, a0[0])
    if rows > 1 { accumulate(&c1, right, a0[row]) }
    if rows > 2 { accumulate(&c2, right, a0[2 * row]) }
    if rows > 3 { accumulate(&c3, right, a0[3 * row]) }
    if rows > 4 { accumulate(&c4, right, a4[0]) }
    if rows > 5 { accumulate(&c5, right, a4[row]) }
    if rows > 6 { accumulate(&c6, right, a4[2 * row]) }
    if rows > 7 { accumulate(&c7, right, a4[3 * row]) }
    if rows > 8 { accumulate(&c8, right, a8[0]) }
    if rows > 9 { accumulate(&c9, right, a8[row]) }
    if rows > 10 { accumulate(&c10, right, a8[2 * row]) }
    if rows > 11 { accumulate(&c11, right, a8[3 * row]) }
    if rows > 12 { accumulate(&c12, right, a12[0]) }
    if rows > 13 { accumulate(&c13, right, a12[row]) }
    a0 += step
    a4 += step
    a8 += step
    a12 += step
    b += bRow
  }
  @inline(__always)
  func store(_ sum: TileRow, _ line: Int) { finishTileRow(sum, line, target, targetRow, epilogue) }
  store(c0, 0)
  if rows > 1 { store(c1, 1) }
  if rows > 2 { store(c2, 2) }
  if rows > 3 { store(c3, 3) }
  if rows > 4 { store(c4, 4) }
  if rows > 5 { store(c5, 5) }
  if rows > 6 { store(c6, 6) }
  if rows > 7 { store(c7, 7) }
  if rows > 8 { store(c8, 8) }
  if rows > 9 { store(c9, 9) }
  if rows > 10 { store(c10, 10) }
  if rows > 11 { store(c11, 11) }
  if rows > 12 { store(c12, 12) }
  if rows > 13 { store(c13, 13) }
}

/// One row times a panel: four sums a column, for one alone would wait for the multiplier's latency.
private func multiplyRow(
  k: Int, _ a: UnsafePointer<Float>, step: Int, _ b: UnsafePointer<Float>, bRow: Int,
  _ target: UnsafeMutablePointer<Float>, _ epilogue: UnsafePointer<kernels_epilogue>?
) {
  var c0 = zeroTileRow
  var c1 = zeroTileRow
  var c2 = zeroTileRow
  var c3 = zeroTileRow
  var a = a
  var b = b
  for _ in 0..<(k / 4) {
    accumulate(&c0, loadTileRow(b), a[0])
    accumulate(&c1, loadTileRow(b + bRow), a[step])
    accumulate(&c2, loadTileRow(b + 2 * bRow), a[2 * step])
    accumulate(&c3, loadTileRow(b + 3 * bRow), a[3 * step])
    a += 4 * step
    b += 4 * bRow
  }
  for _ in 0..<(k % 4) {
    accumulate(&c0, loadTileRow(b), a[0])
    a += step
    b += bRow
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

/// target[rows, panelWidth] = a · b, for `rows` of 1 … `Level.tileRows`.
///
/// - Parameters:
///   - row: elements of `a` from a row to the next; `step`: from one column to the next.
///   - bRow: elements of `b` from a row to the next; each has `panelWidth` readable ones.
///   - epilogue: one that `isClip` holds for, or nil; its pointers are those for this row and column.
func multiplyTile(
  count rows: Int, k: Int, _ a: UnsafePointer<Float>, row: Int, step: Int, _ b: UnsafePointer<Float>,
  bRow: Int, _ target: UnsafeMutablePointer<Float>, targetRow: Int,
  _ epilogue: UnsafePointer<kernels_epilogue>? = nil
) {
  @inline(__always)
  func tile(_ rows: Int) {
    multiplyTile(
      rows: rows, k: k, a, row: row, step: step, b, bRow: bRow, target, targetRow: targetRow, epilogue)
  }
  switch rows {
  case 1: multiplyRow(k: k, a, step: step, b, bRow: bRow, target, epilogue)
  case 2: tile(2)
  case 3: tile(3)
  case 4: tile(4)
  case 5: tile(5)
  case 6: tile(6)
  case 7: if Level.tileRows >= 7 { tile(7) }
  case 8: if Level.tileRows >= 8 { tile(8) }
  case 9: if Level.tileRows >= 9 { tile(9) }
  case 10: if Level.tileRows >= 10 { tile(10) }
  case 11: if Level.tileRows >= 11 { tile(11) }
  case 12: if Level.tileRows >= 12 { tile(12) }
  case 13: if Level.tileRows >= 13 { tile(13) }
  case 14: if Level.tileRows >= 14 { tile(14) }
  default: break
  }
}

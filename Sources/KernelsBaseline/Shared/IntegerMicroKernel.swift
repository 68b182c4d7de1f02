internal import CKernels

extension Level {
  /// Rows of C that the integer micro-kernel of pairs holds in registers at most; with VNNI they are fourteen.
  public static let pairTileRows = 6
}

/// target[rows, panelWidth] = a[rows, words] · b, for `rows` of 1 … `Level.pairTileRows`, where a word of
/// `a` is a pair of 16-bit integers.
///
/// - Parameter row: bytes of `a` from a row to the next.
func multiplyPairs(
  count rows: Int, words: Int, _ a: UnsafePointer<UInt8>, row: Int, _ b: UnsafePointer<Int8>,
  _ target: UnsafeMutablePointer<Int32>
) {
  @inline(__always)
  func tile(_ rows: Int) { multiplyTile(rows: rows, words: words, a, row: row, b, ofBytes: false, target) }
  switch rows {
  case 1: tile(1)
  case 2: tile(2)
  case 3: tile(3)
  case 4: tile(4)
  case 5: tile(5)
  default: tile(6)
  }
}

/// As `multiplyPairs`, where a word of `a` is four bytes, and `b` is as `lanes_narrow_products` takes it.
func multiplyNarrowBytes(
  count rows: Int, words: Int, _ a: UnsafePointer<UInt8>, row: Int, _ b: UnsafePointer<Int8>,
  _ target: UnsafeMutablePointer<Int32>
) {
  @inline(__always)
  func tile(_ rows: Int) { multiplyTile(rows: rows, words: words, a, row: row, b, ofBytes: true, target) }
  switch rows {
  case 1: tile(1)
  case 2: tile(2)
  case 3: tile(3)
  case 4: tile(4)
  case 5: tile(5)
  default: tile(6)
  }
}

/// `rows` is constant where this is inlined, and so the rows beyond it vanish.
@inline(__always)
private func multiplyTile(
  rows: Int, words: Int, _ a: UnsafePointer<UInt8>, row: Int, _ b: UnsafePointer<Int8>, ofBytes: Bool,
  _ target: UnsafeMutablePointer<Int32>
) {
  @inline(__always)
  func accumulate(_ sum: inout IntegerRow, _ right: PairRow, _ word: Int32) {
    if ofBytes {
      accumulateBytes(&sum, right, word)
    } else {
      accumulatePairs(&sum, right, word)
    }
  }
  var c0 = zeroIntegerRow
  var c1 = zeroIntegerRow
  var c2 = zeroIntegerRow
  var c3 = zeroIntegerRow
  var c4 = zeroIntegerRow
  var c5 = zeroIntegerRow
  var a = UnsafeRawPointer(a)
  var b = b
  for _ in 0..<words {
    let right = ofBytes ? loadByteRow(b) : loadPairRow(b)
    accumulate(&c0, right, a.load(as: Int32.self))
    if rows > 1 { accumulate(&c1, right, a.load(fromByteOffset: row, as: Int32.self)) }
    if rows > 2 { accumulate(&c2, right, a.load(fromByteOffset: 2 * row, as: Int32.self)) }
    if rows > 3 { accumulate(&c3, right, a.load(fromByteOffset: 3 * row, as: Int32.self)) }
    if rows > 4 { accumulate(&c4, right, a.load(fromByteOffset: 4 * row, as: Int32.self)) }
    if rows > 5 { accumulate(&c5, right, a.load(fromByteOffset: 5 * row, as: Int32.self)) }
    a += 4
    b += (ofBytes ? 4 : 2) * Level.panelWidth
  }
  storeIntegerRow(c0, target)
  if rows > 1 { storeIntegerRow(c1, target + Level.panelWidth) }
  if rows > 2 { storeIntegerRow(c2, target + 2 * Level.panelWidth) }
  if rows > 3 { storeIntegerRow(c3, target + 3 * Level.panelWidth) }
  if rows > 4 { storeIntegerRow(c4, target + 4 * Level.panelWidth) }
  if rows > 5 { storeIntegerRow(c5, target + 5 * Level.panelWidth) }
}

internal import CKernels

/// A row of the tile of an integer product: two registers of sums.
typealias IntegerRow = (left: lanes_i32, right: lanes_i32)

extension Level {
  /// Products of bytes by `lanes_narrow_products` where B allows it; VNNI does them better.
  public static let hasNarrowProducts = false
}

/// A row of a panel: a pair of 16-bit integers for each of its columns, or four bytes.
typealias PairRow = (left: lanes_i16x32, right: lanes_i16x32)

@inline(__always)
var zeroIntegerRow: IntegerRow { (lanes_i32.zero, lanes_i32.zero) }

@inline(__always)
func loadPairRow(_ pointer: UnsafePointer<Int8>) -> PairRow {
  (lanes_widen_bytes(pointer), lanes_widen_bytes(pointer + 32))
}

@inline(__always)
func loadByteRow(_ pointer: UnsafePointer<Int8>) -> PairRow {
  (lanes_load_quads(pointer), lanes_load_quads(pointer + 64))
}

@inline(__always)
func storeIntegerRow(_ row: IntegerRow, _ pointer: UnsafeMutablePointer<Int32>) {
  lanes_store_integers(pointer, row.left)
  lanes_store_integers(pointer + 16, row.right)
}

/// sum += row · pair
@inline(__always)
func accumulatePairs(_ sum: inout IntegerRow, _ row: PairRow, _ pair: Int32) {
  let pairs = lanes_repeat_pair(pair)
  sum.left = sum.left &+ lanes_pair_products(row.left, pairs)
  sum.right = sum.right &+ lanes_pair_products(row.right, pairs)
}

/// sum += row · word, of four bytes each.
@inline(__always)
func accumulateBytes(_ sum: inout IntegerRow, _ row: PairRow, _ word: Int32) {
  let words = lanes_i32(repeating: word)
  sum.left = sum.left &+ lanes_narrow_products(words, row.left)
  sum.right = sum.right &+ lanes_narrow_products(words, row.right)
}

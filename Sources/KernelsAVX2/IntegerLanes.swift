internal import CKernels

/// A row of the tile of an integer product: two registers of sums.
typealias IntegerRow = lanes_i32

extension Level {
  /// Products of bytes by `lanes_narrow_products` where B allows it: with half of the pairs' additions.
  public static let hasNarrowProducts = true
}

/// A row of a panel: a pair of 16-bit integers for each of its columns, or four bytes.
typealias PairRow = lanes_i16x32

@inline(__always)
var zeroIntegerRow: IntegerRow { IntegerRow.zero }

@inline(__always)
func loadPairRow(_ pointer: UnsafePointer<Int8>) -> PairRow { lanes_widen_bytes(pointer) }

@inline(__always)
func loadByteRow(_ pointer: UnsafePointer<Int8>) -> PairRow { lanes_load_quads(pointer) }

@inline(__always)
func storeIntegerRow(_ row: IntegerRow, _ pointer: UnsafeMutablePointer<Int32>) {
  lanes_store_integers(pointer, row)
}

/// sum += row · pair
@inline(__always)
func accumulatePairs(_ sum: inout IntegerRow, _ row: PairRow, _ pair: Int32) {
  sum = sum &+ lanes_pair_products(row, lanes_repeat_pair(pair))
}

/// sum += row · word, of four bytes each.
@inline(__always)
func accumulateBytes(_ sum: inout IntegerRow, _ row: PairRow, _ word: Int32) {
  sum = sum &+ lanes_narrow_products(lanes_i32(repeating: word), row)
}

internal import CKernels

/// A row of the tile of an integer product: two registers of sums.
typealias IntegerRow = lanes_i32

/// A row of a panel: a pair of 16-bit integers for each of its columns.
typealias PairRow = lanes_i16x32

@inline(__always)
var zeroIntegerRow: IntegerRow { IntegerRow.zero }

@inline(__always)
func loadPairRow(_ pointer: UnsafePointer<Int8>) -> PairRow { lanes_widen_bytes(pointer) }

@inline(__always)
func storeIntegerRow(_ row: IntegerRow, _ pointer: UnsafeMutablePointer<Int32>) {
  lanes_store_integers(pointer, row)
}

/// sum += row · pair
@inline(__always)
func accumulate(_ sum: inout IntegerRow, _ row: PairRow, _ pair: Int32) {
  sum = sum &+ lanes_pair_products(row, lanes_repeat_pair(pair))
}

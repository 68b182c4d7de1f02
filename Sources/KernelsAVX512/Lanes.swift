internal import CKernels

/// The kernels of AVX-512.
public enum Level {
  /// Rows of C that the micro-kernel holds in registers at most.
  public static let tileRows = 14
  /// Columns of C that it holds: a packed panel's width.
  public static let panelWidth = 32
  /// Half of a second-level cache of 1 MiB, in floats: what a product keeps there of its left-hand matrix.
  public static let cachedFloats = 128 * 1024
  /// Tiles of rows that go by before the right-hand matrix is read again, whether the cache keeps them or not.
  public static let leastBlockTiles = 1
}

/// A row of the micro-kernel's tile: two registers.
typealias TileRow = (left: lanes_f32, right: lanes_f32)

@inline(__always)
var zeroTileRow: TileRow { (lanes_f32.zero, lanes_f32.zero) }

@inline(__always)
func loadTileRow(_ pointer: UnsafePointer<Float>) -> TileRow {
  (lanes_load(pointer), lanes_load(pointer + 16))
}

@inline(__always)
func storeTileRow(_ row: TileRow, _ pointer: UnsafeMutablePointer<Float>) {
  lanes_store(pointer, row.left)
  lanes_store(pointer + 16, row.right)
}

/// sum += row · factor
@inline(__always)
func accumulate(_ sum: inout TileRow, _ row: TileRow, _ factor: Float) {
  let factors = lanes_f32(repeating: factor)
  sum.left = lanes_multiply_add(row.left, factors, sum.left)
  sum.right = lanes_multiply_add(row.right, factors, sum.right)
}

@inline(__always)
func add(_ first: TileRow, _ second: TileRow) -> TileRow {
  (first.left + second.left, first.right + second.right)
}

@inline(__always)
func repeated(_ value: Float) -> TileRow { (lanes_f32(repeating: value), lanes_f32(repeating: value)) }

/// min(max(row, low), high), NaN where the row is.
@inline(__always)
func clip(_ row: TileRow, _ low: Float, _ high: Float) -> TileRow {
  (
    lanes_less(lanes_f32(repeating: high), lanes_greater(lanes_f32(repeating: low), row.left)),
    lanes_less(lanes_f32(repeating: high), lanes_greater(lanes_f32(repeating: low), row.right))
  )
}

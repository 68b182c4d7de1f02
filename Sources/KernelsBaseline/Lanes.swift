internal import CKernels

/// The kernels of the instructions that every machine of the architecture has.
public enum Level {
  /// Rows of C that the micro-kernel holds in registers at most.
  public static let tileRows = 6
  /// Columns of C that it holds: a packed panel's width.
  public static let panelWidth = 8
  /// Half of a second-level cache of 512 KiB, in floats: what a product keeps there of its left-hand matrix.
  public static let cachedFloats = 64 * 1024
  /// Tiles of rows that go by before the right-hand matrix is read again, whether the cache keeps them or not.
  public static let leastBlockTiles = 8
}

/// A row of the micro-kernel's tile: two registers of four floats.
typealias TileRow = lanes_f32x8

@inline(__always)
var zeroTileRow: TileRow { TileRow.zero }

@inline(__always)
func loadTileRow(_ pointer: UnsafePointer<Float>) -> TileRow { lanes_load8(pointer) }

@inline(__always)
func storeTileRow(_ row: TileRow, _ pointer: UnsafeMutablePointer<Float>) { lanes_store8(pointer, row) }

/// sum += row · factor
@inline(__always)
func accumulate(_ sum: inout TileRow, _ row: TileRow, _ factor: Float) {
  sum = lanes_multiply_add8(row, TileRow(repeating: factor), sum)
}

@inline(__always)
func add(_ first: TileRow, _ second: TileRow) -> TileRow { first + second }

@inline(__always)
func repeated(_ value: Float) -> TileRow { TileRow(repeating: value) }

/// min(max(row, low), high), NaN where the row is.
@inline(__always)
func clip(_ row: TileRow, _ low: Float, _ high: Float) -> TileRow { lanes_clip8(row, low, high) }

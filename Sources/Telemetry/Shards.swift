import Locks
import Synchronization

/// Atomic numbers spread over a few cache lines, so that threads that add at once rarely meet.
///
/// Layout: `shardCount` shards of `width` 64-bit cells, each shard rounded up to whole cache lines.
///
/// Unchecked: the cells are atomics, and the memory lives as long as the object.
final class Shards: @unchecked Sendable {
  private static let shardCount = ThreadShard.count
  private static let cellsPerLine = 8

  let width: Int
  private let stride: Int
  private let cells: UnsafeMutablePointer<Atomic<UInt64>>

  init(width: Int) {
    self.width = width
    stride = (width + Shards.cellsPerLine - 1) / Shards.cellsPerLine * Shards.cellsPerLine
    let count = stride * Shards.shardCount
    let memory = UnsafeMutableRawPointer.allocate(byteCount: count * 8, alignment: 64)
    cells = memory.bindMemory(to: Atomic<UInt64>.self, capacity: count)
    for cell in 0..<count { (cells + cell).initialize(to: Atomic(0)) }
  }

  deinit { UnsafeMutableRawPointer(cells).deallocate() }

  func add(_ n: UInt64, to cell: Int) {
    cells[ThreadShard.own * stride + cell].wrappingAdd(n, ordering: .relaxed)
  }

  /// Adds 1 to `cell`, and `value` to `sum`, which holds the bits of a `Double`.
  func count(_ value: Double, in cell: Int, sum: Int) {
    let start = ThreadShard.own * stride
    cells[start + cell].wrappingAdd(1, ordering: .relaxed)
    let index = start + sum
    var old = cells[index].load(ordering: .relaxed)
    while true {
      let sum = (Double(bitPattern: old) + value).bitPattern
      let (done, seen) = cells[index].weakCompareExchange(expected: old, desired: sum, ordering: .relaxed)
      if done { return }
      old = seen
    }
  }

  func total(of cell: Int) -> UInt64 {
    (0..<Shards.shardCount).reduce(0) { $0 &+ cells[$1 * stride + cell].load(ordering: .relaxed) }
  }

  func sum(of cell: Int) -> Double {
    (0..<Shards.shardCount).reduce(0) {
      $0 + Double(bitPattern: cells[$1 * stride + cell].load(ordering: .relaxed))
    }
  }
}

internal import CIsolation
internal import Locks
internal import Synchronization
internal import Tensors

/// Blocks of shared memory, handed out and taken back by the server only: what a worker does to the memory cannot
/// put the arena in disorder.
///
/// The lowest block that is large enough is taken, so that the same pages are used again; those above `kept` go
/// back to the kernel with the block that holds them.
final class SharedArena: Sendable {
  private static let kept = 64 << 20
  private static let pageBytes = 4096

  let region: SharedRegion
  /// What is free, ascending, never two side by side.
  private let free: Lock<[Range<Int>]>
  private let used = Atomic<Int>(0)

  init?(name: String, byteCount: Int) {
    guard let region = SharedRegion(name: name, byteCount: byteCount) else { return nil }
    self.region = region
    free = Lock([0..<byteCount])
  }

  /// A block of at least `byteCount` bytes, not zeroed; nil: there is none that large.
  func allocate(_ byteCount: Int) -> ArenaBlock? {
    let wanted = Self.rounded(max(byteCount, 1))
    let range: Range<Int>? = free.withLock { free in
      guard let index = free.firstIndex(where: { $0.count >= wanted }) else { return nil }
      let start = free[index].lowerBound
      let rest = start + wanted..<free[index].upperBound
      if rest.isEmpty { free.remove(at: index) } else { free[index] = rest }
      return start..<start + wanted
    }
    if range != nil { used.add(wanted, ordering: .relaxed) }
    return range.map { ArenaBlock(arena: self, range: $0) }
  }

  fileprivate func release(_ range: Range<Int>) {
    guard !range.isEmpty else { return }
    used.subtract(range.count, ordering: .relaxed)
    let first = max(range.lowerBound, Self.kept) / Self.pageBytes * Self.pageBytes
    // Pages that the block shares with its neighbours stay; it must still be the block's while they go.
    let from = first < range.lowerBound ? first + Self.pageBytes : first
    let to = range.upperBound / Self.pageBytes * Self.pageBytes
    if from < to { isolation_give_back(region.descriptor, from, to - from) }
    free.withLock { free in
      let index = free.firstIndex { $0.lowerBound >= range.upperBound } ?? free.count
      var merged = range
      if index < free.count, free[index].lowerBound == range.upperBound {
        merged = range.lowerBound..<free[index].upperBound
        free.remove(at: index)
      }
      if index > 0, free[index - 1].upperBound == range.lowerBound {
        free[index - 1] = free[index - 1].lowerBound..<merged.upperBound
      } else {
        free.insert(merged, at: index)
      }
    }
  }

  fileprivate static func rounded(_ byteCount: Int) -> Int {
    (byteCount + TensorMemory.alignment - 1) & -TensorMemory.alignment
  }

  /// Where memory lies in the arena; nil if it lies elsewhere.
  func offset(of address: UnsafeRawPointer, byteCount: Int) -> Int? {
    let offset = address - UnsafeRawPointer(region.base)
    return offset >= 0 && byteCount <= region.byteCount && offset <= region.byteCount - byteCount
      ? offset : nil
  }

  /// Bytes that are handed out.
  var bytesInUse: Int { used.load(ordering: .relaxed) }
}

/// A part of an arena, given back when the last reference goes.
final class ArenaBlock: Sendable {
  let arena: SharedArena
  private let range: Range<Int>

  fileprivate init(arena: SharedArena, range: Range<Int>) {
    self.arena = arena
    self.range = range
  }

  deinit { arena.release(range) }

  var offset: Int { range.lowerBound }
  var byteCount: Int { range.count }
  var base: UnsafeMutableRawPointer { arena.region.base + offset }

  /// Whether so many bytes at `offset` of the arena lie in the block.
  func holds(_ offset: Int, _ byteCount: Int) -> Bool {
    offset >= range.lowerBound && byteCount >= 0 && byteCount <= range.count
      && offset <= range.upperBound - byteCount
  }

  /// The block as memory for tensors.
  var memory: TensorMemory { TensorMemory(viewing: base, byteCount: byteCount, owner: self) }
}

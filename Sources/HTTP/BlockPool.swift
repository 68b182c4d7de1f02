import Glibc

/// Memory that bytes are read into, aligned to a cache line.
struct MemoryBlock {
  let base: UnsafeMutableRawPointer
  let capacity: Int
}

/// The read and body memory of one loop, kept warm: a fresh page costs a fault for every 4 KiB, which makes
/// a large body more than twice as slow to read.
///
/// Sizes are powers of two from 16 KiB on. Blocks that come back are kept up to a limit in all, most
/// recently used first out. Confined to the loop's thread.
final class BlockPool {
  static let smallest = 16_384
  private static let classes = 32

  private var free: [[MemoryBlock]] = Array(repeating: [], count: classes)
  private var keptBytes = 0
  private let keepLimit: Int

  /// - Parameter keepLimit: the most memory to keep that is not in use, in bytes.
  init(keepLimit: Int) { self.keepLimit = keepLimit }

  deinit {
    for blocks in free { for block in blocks { Self.release(block) } }
  }

  /// The size of the block that `take(atLeast: count)` gives.
  static func size(for count: Int) -> Int { smallest << index(for: count) }

  private static func index(for count: Int) -> Int {
    guard count > smallest else { return 0 }
    return Int.bitWidth - (count - 1).leadingZeroBitCount - 14
  }

  /// A block of at least `count` bytes; nil if there is no memory.
  func take(atLeast count: Int) -> MemoryBlock? {
    let index = Self.index(for: count)
    guard index < Self.classes else { return nil }
    if let block = free[index].popLast() {
      keptBytes -= block.capacity
      return block
    }
    var memory: UnsafeMutableRawPointer?
    let size = Self.smallest << index
    guard posix_memalign(&memory, 64, size) == 0, let memory else { return nil }
    return MemoryBlock(base: memory, capacity: size)
  }

  func give(_ block: MemoryBlock) {
    guard keptBytes + block.capacity <= keepLimit else {
      Self.release(block)
      return
    }
    keptBytes += block.capacity
    free[Self.index(for: block.capacity)].append(block)
  }

  /// Frees a block without keeping it; from any thread.
  static func release(_ block: MemoryBlock) { Glibc.free(block.base) }
}

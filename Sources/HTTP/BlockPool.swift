import Bytes
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
/// recently used first out, until `trim` finds that they are not used. Confined to the loop's thread.
final class BlockPool {
  static let smallest = 16_384
  private static let classes = 32

  private var free: [[MemoryBlock]] = Array(repeating: [], count: classes)
  private var spares = Array(repeating: SpareCount(), count: classes)
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
      spares[index].took(leaving: free[index].count)
      return block
    }
    return Self.allocate(Self.smallest << index)
  }

  func give(_ block: MemoryBlock) {
    guard keptBytes + block.capacity <= keepLimit else {
      Self.release(block)
      return
    }
    keptBytes += block.capacity
    free[Self.index(for: block.capacity)].append(block)
  }

  var isEmpty: Bool { keptBytes == 0 }

  /// Frees what was not used since the last time.
  func trim() {
    for index in free.indices where !free[index].isEmpty {
      let unused = spares[index].take(of: free[index].count)
      for block in free[index][..<unused] {
        keptBytes -= block.capacity
        Self.release(block)
      }
      free[index].removeFirst(unused)
    }
  }

  private static func allocate(_ size: Int) -> MemoryBlock? {
    if size >= LargeMemory.threshold {
      return LargeMemory.allocateIfPossible(size).map { MemoryBlock(base: $0, capacity: size) }
    }
    var memory: UnsafeMutableRawPointer?
    guard posix_memalign(&memory, 64, size) == 0, let memory else { return nil }
    return MemoryBlock(base: memory, capacity: size)
  }

  /// Frees a block without keeping it; from any thread.
  static func release(_ block: MemoryBlock) {
    if block.capacity >= LargeMemory.threshold {
      LargeMemory.deallocate(block.base.assumingMemoryBound(to: UInt8.self), block.capacity)
    } else {
      Glibc.free(block.base)
    }
  }
}

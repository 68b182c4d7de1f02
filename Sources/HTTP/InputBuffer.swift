import Glibc

/// What a connection has read and not used: a window into a block, which begins with the current request.
struct InputBuffer {
  private(set) var block: MemoryBlock?
  private var start = 0
  private var end = 0

  var count: Int { end - start }
  var capacity: Int { block?.capacity ?? 0 }

  /// The first byte of the current request.
  var base: UnsafeMutablePointer<UInt8>? {
    block.map { ($0.base + start).assumingMemoryBound(to: UInt8.self) }
  }

  var bytes: UnsafeBufferPointer<UInt8> { UnsafeBufferPointer(start: base, count: count) }

  /// The room behind the bytes.
  var room: UnsafeMutableRawBufferPointer {
    guard let block else { return UnsafeMutableRawBufferPointer(start: nil, count: 0) }
    return UnsafeMutableRawBufferPointer(start: block.base + end, count: block.capacity - end)
  }

  /// Counts bytes that were stored in `room`.
  mutating func add(_ count: Int) {
    precondition(count >= 0 && count <= capacity - end, "more bytes than there was room for")
    end += count
  }

  /// Drops `count` bytes at the front.
  mutating func consume(_ count: Int) {
    precondition(count >= 0 && count <= end - start, "more bytes than are there")
    start += count
    if start == end {
      start = 0
      end = 0
    }
  }

  /// Drops the bytes from `offset` up to `next`, counted from the front, and closes the gap.
  mutating func remove(from offset: Int, to next: Int) {
    guard next > offset, let base else { return }
    memmove(base + offset, base + next, count - next)
    end -= next - offset
  }

  /// Makes the room behind the bytes at least `wanted`, moving the bytes to the front of the block or to
  /// a larger one. Returns false if there is no memory.
  mutating func ensureRoom(_ wanted: Int, _ pool: BlockPool) -> Bool {
    if let block {
      if block.capacity - end >= wanted { return true }
      if block.capacity - count >= wanted {
        memmove(block.base, block.base + start, count)
        end -= start
        start = 0
        return true
      }
    }
    guard let larger = pool.take(atLeast: count + wanted) else { return false }
    if let block {
      memcpy(larger.base, block.base + start, count)
      pool.give(block)
    }
    end -= start
    start = 0
    block = larger
    return true
  }

  /// Gives the block back; what is in it is gone.
  mutating func release(_ pool: BlockPool) {
    if let block { pool.give(block) }
    block = nil
    start = 0
    end = 0
  }
}

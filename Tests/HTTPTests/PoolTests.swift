import Bytes
import Testing

@testable import HTTP

@Suite struct PoolTests {
  @Test func blocksOfEverySizeHoldWhatTheySay() throws {
    let pool = BlockPool(keepLimit: 1 << 30)
    for wanted in [1, 16_384, 16_385, LargeMemory.threshold - 1, LargeMemory.threshold, 5_000_000] {
      let block = try #require(pool.take(atLeast: wanted))
      #expect(block.capacity >= wanted && block.capacity == BlockPool.size(for: wanted))
      #expect(Int(bitPattern: block.base) % 64 == 0)
      block.base.storeBytes(of: 7, toByteOffset: 0, as: UInt8.self)
      block.base.storeBytes(of: 9, toByteOffset: block.capacity - 1, as: UInt8.self)
      pool.give(block)
      let again = try #require(pool.take(atLeast: wanted))
      #expect(again.base == block.base, "what came back is used again")
      #expect(again.base.load(as: UInt8.self) == 7)
      BlockPool.release(again)
    }
    #expect(pool.take(atLeast: 1 << 60) == nil)
  }

  @Test func blocksThatNobodyUsesAreFreed() throws {
    let pool = BlockPool(keepLimit: 1 << 30)
    let blocks = try (0..<3).map { _ in try #require(pool.take(atLeast: 1_000_000)) }
    for block in blocks { pool.give(block) }
    pool.trim()
    #expect(!pool.isEmpty, "they were used a moment ago")
    // Of three one at a time is used.
    for _ in 0..<5 { pool.give(try #require(pool.take(atLeast: 1_000_000))) }
    pool.trim()
    let kept = try #require(pool.take(atLeast: 1_000_000))
    #expect(kept.base == blocks[2].base)
    #expect(pool.isEmpty, "the other two are gone")
    pool.give(kept)
    pool.trim()
    #expect(!pool.isEmpty)
    pool.trim()
    #expect(pool.isEmpty)
  }

  @Test func outputBuffersThatNobodyUsesAreFreed() {
    let pool = OutputPool(keepLimit: 1 << 30)
    let buffers = (0..<3).map { _ in pool.take() }
    for buffer in buffers { pool.give(buffer) }
    pool.trim()
    pool.give(pool.take())
    pool.trim()
    #expect(pool.take() === buffers[2])
    #expect(pool.isEmpty)
    let small = OutputPool(keepLimit: 10_000)
    let large = small.take()
    large.append(String(repeating: "a", count: 20_000))
    small.give(large)
    #expect(small.isEmpty, "it is more than may be kept")
  }
}

import Testing

@testable import Bytes

@Test(arguments: [10, LargeMemory.threshold - 1, LargeMemory.threshold, 3 * LargeMemory.threshold + 5])
func aBufferKeepsItsBytesAsItGrows(count: Int) {
  let buffer = ByteBuffer(capacity: 1)
  for index in 0..<count { buffer.append(UInt8(truncatingIfNeeded: index &* 31)) }
  buffer.reserve(2 * LargeMemory.threshold)[2 * LargeMemory.threshold - 1] = 1
  #expect(buffer.count == count)
  #expect(buffer.bytes.enumerated().allSatisfy { $1 == UInt8(truncatingIfNeeded: $0 &* 31) })
  buffer.removeAll()
  buffer.shrink(to: 100)
  #expect(buffer.capacity == 100)
  buffer.append("then")
  #expect(buffer.bytes.elementsEqual("then".utf8))
}

@Test func memoryThatThereIsNotIsNotGiven() {
  #expect(LargeMemory.allocateIfPossible(1 << 60) == nil)
}

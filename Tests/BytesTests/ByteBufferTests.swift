import Bytes
import Testing

private func text(_ buffer: ByteBuffer) -> String { String(decoding: buffer.bytes, as: UTF8.self) }

@Test func appendedPiecesFollowEachOther() {
  let buffer = ByteBuffer()
  buffer.append(UInt8(ascii: "a"))
  buffer.append("bc" as StaticString)
  buffer.append(String("dé"))
  buffer.append("xyz".dropFirst())
  [1, 2].withUnsafeBytes { (_: UnsafeRawBufferPointer) in
    buffer.append(UnsafeRawBufferPointer(start: nil, count: 0))
  }
  #expect(text(buffer) == "abcdéyz")
  #expect(buffer.count == 8)
}

@Test func whatWasWrittenSurvivesGrowth() {
  let buffer = ByteBuffer(capacity: 1)
  for index in 0..<100_000 { buffer.append(UInt8(truncatingIfNeeded: index)) }
  #expect(buffer.count == 100_000)
  #expect(buffer.capacity >= 100_000)
  #expect(buffer.bytes.enumerated().allSatisfy { $1 == UInt8(truncatingIfNeeded: $0) })
}

@Test func reservedBytesCountOnceAdvanced() {
  let buffer = ByteBuffer()
  buffer.append("x" as StaticString)
  let room = buffer.reserve(1000)
  #expect(buffer.count == 1)
  #expect(buffer.capacity >= 1001)
  room[0] = UInt8(ascii: "y")
  room[1] = UInt8(ascii: "z")
  buffer.advance(by: 2)
  #expect(text(buffer) == "xyz")
}

@Test func memoryIsKeptWhenTheBufferIsEmptied() {
  let buffer = ByteBuffer(capacity: 5000)
  let base = buffer.base
  buffer.append("abc" as StaticString)
  buffer.removeAll()
  #expect(buffer.count == 0)
  #expect(buffer.base == base)
  #expect(buffer.capacity == 5000)
}

@Test func bytesAreCutFromBothEnds() {
  let buffer = ByteBuffer()
  buffer.append("abcdef" as StaticString)
  buffer.removeFirst(2)
  #expect(text(buffer) == "cdef")
  buffer.truncate(to: 3)
  #expect(text(buffer) == "cde")
  buffer.removeFirst(3)
  #expect(buffer.count == 0)
}

@Test func onlyAnEmptyBufferShrinks() {
  let buffer = ByteBuffer(capacity: 10_000)
  buffer.append("a" as StaticString)
  buffer.shrink(to: 100)
  #expect(buffer.capacity == 10_000)
  buffer.removeAll()
  buffer.shrink(to: 100)
  #expect(buffer.capacity == 100)
  buffer.shrink(to: 1)
  #expect(buffer.capacity == 64)
  buffer.append("still usable" as StaticString)
  #expect(text(buffer) == "still usable")
}

@Test func integersAreWrittenInBaseTen() {
  var values: [UInt64] = [0, .max]
  var power: UInt64 = 1
  while power < 10_000_000_000_000_000_000 {
    values += [power - 1, power, power + 1, power &* 9]
    power *= 10
  }
  for value in values {
    let buffer = ByteBuffer()
    buffer.append(decimal: value)
    #expect(text(buffer) == String(value))
  }
  for value in [Int.min, -1, 0, 1, .max] {
    let buffer = ByteBuffer()
    buffer.append(decimal: value)
    #expect(text(buffer) == String(value))
  }
}

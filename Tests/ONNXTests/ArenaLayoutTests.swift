import TestSupport
import Testing

@testable import ONNX

@Suite struct ArenaLayoutTests {
  @Test func buffersThatAreAliveTogetherNeverOverlap() {
    let seed = seedOfThisRun()
    var generator = SeededGenerator(seed: seed)
    var layout = ArenaLayout()
    var alive: [(offset: Int, bytes: Int)] = []
    for _ in 0..<2000 {
      if Bool.random(using: &generator), let index = alive.indices.randomElement(using: &generator) {
        let buffer = alive.remove(at: index)
        layout.give(buffer.offset, buffer.bytes)
      } else {
        let bytes = Int.random(in: 0...5000, using: &generator)
        guard let offset = layout.take(bytes) else {
          Issue.record("no place for \(bytes) bytes")
          return
        }
        #expect(offset % ArenaLayout.alignment == 0, "SWERVE_SEED=\(seed)")
        for other in alive {
          #expect(
            offset + max(bytes, 1) <= other.offset || other.offset + max(other.bytes, 1) <= offset,
            "SWERVE_SEED=\(seed)")
        }
        #expect(offset + bytes <= layout.byteCount)
        alive.append((offset, bytes))
      }
    }
  }

  @Test func memoryThatWasGivenBackIsUsedAgain() {
    var layout = ArenaLayout()
    let first = layout.take(100) ?? -1
    let second = layout.take(100) ?? -1
    layout.give(first, 100)
    layout.give(second, 100)
    #expect(layout.take(256) == 0)
    #expect(layout.byteCount == 256)
  }

  @Test func aSizeThatCannotBeCountedIsRefused() {
    var layout = ArenaLayout()
    #expect(layout.take(Int.max) == nil)
  }
}

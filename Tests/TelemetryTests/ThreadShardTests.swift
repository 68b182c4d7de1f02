import Foundation
import Locks
import Testing

@Suite struct ThreadShardTests {
  /// Threads of other tests take places between these, so a few may meet.
  @Test func threadsStartedInARowAreSpread() {
    let places = Lock<[Int]>([])
    let started = DispatchGroup()
    let mayEnd = DispatchSemaphore(value: 0)
    for _ in 0..<8 {
      started.enter()
      Thread.detachNewThread {
        let first = ThreadShard.own
        places.withLock { $0.append(first == ThreadShard.own ? first : -1) }
        started.leave()
        mayEnd.wait()
      }
      // One after the other, as a server starts them.
      started.wait()
    }
    for _ in 0..<8 { mayEnd.signal() }
    let taken = places.withLock { $0 }
    #expect(taken.count == 8 && taken.allSatisfy { (0..<ThreadShard.count).contains($0) }, "\(taken)")
    #expect(Set(taken).count >= 4, "\(taken)")
  }
}

import Foundation
import Synchronization
import Testing

@testable import Telemetry

/// How many threads are between `enter` and `leave`, and were at most.
private final class Crowd: Sendable {
  private let inside = Atomic(0)
  private let largest = Atomic(0)

  var most: Int { largest.load(ordering: .relaxed) }

  func enter() {
    largest.max(inside.add(1, ordering: .relaxed).newValue, ordering: .relaxed)
  }

  func leave() { inside.subtract(1, ordering: .relaxed) }
}

@Suite struct ProcessorPermitsTests {
  /// Far longer than any test runs: a thread that is forgotten hangs.
  private static let anHour: Int64 = 3_600_000_000_000

  @Test(arguments: [1, 2, 3]) func noMoreThreadsRunThanThereArePermits(count: Int) {
    let permits = ProcessorPermits(count: count, patience: Self.anHour)
    let crowd = Crowd()
    let threads = DispatchGroup()
    for _ in 0..<6 {
      threads.enter()
      Thread.detachNewThread {
        for _ in 0..<500 {
          let permit = permits.take()
          crowd.enter()
          sched_yield()
          crowd.leave()
          permits.give(permit)
        }
        threads.leave()
      }
    }
    threads.wait()
    #expect((1...count).contains(crowd.most))
    #expect(permits.takenCount == 0)
  }

  @Test func aPermitThatIsKeptForLongBecomesAnothers() {
    let permits = ProcessorPermits(count: 1, patience: 1_000_000)
    let kept = permits.take()
    let next = permits.take()
    #expect(permits.takenCount == 1)
    permits.give(next)
    #expect(permits.takenCount == 0, "the thread that goes on and on holds up nobody any more")
    permits.give(kept)
    #expect(permits.takenCount == 0)
    let last = permits.take()
    #expect(permits.takenCount == 1, "what was given back late is no second permit")
    permits.give(last)
  }

  @Test func theyAreThereWhereAQuotaIsLessThanTheProcessors() {
    func permits(_ files: [String: String]) -> ProcessorPermits? {
      ProcessorPermits(ProcessLimits { files[$0] })
    }
    let four = "Cpus_allowed_list:\t0-3\n"
    let group = "0::/\n"
    #expect(permits(["/proc/self/status": four]) == nil)
    let half = [
      "/proc/self/status": four, "/proc/self/cgroup": group, "/sys/fs/cgroup/cpu.max": "200000 100000\n",
    ]
    #expect(permits(half) != nil)
    #expect(permits(half.merging(["/proc/self/status": "Cpus_allowed_list:\t0-1\n"]) { $1 }) == nil)
  }
}

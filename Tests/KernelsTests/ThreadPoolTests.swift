import Foundation
import Kernels
import Locks
import Synchronization
import Testing

@Suite struct ThreadPoolTests {
  @Test(arguments: [0, 1, 3])
  func everyItemRunsOnce(workers: Int) {
    let pool = ThreadPool(workerCount: workers)
    #expect(pool.workerCount == workers)
    for count in [0, 1, 2, 7, 1000] {
      let runs = (0..<count).map { _ in AtomicCount() }
      pool.parallelFor(count) { runs[$0].add() }
      #expect(runs.allSatisfy { $0.value == 1 })
    }
  }

  @Test func manyShortLoopsFollowOneAnother() {
    let pool = ThreadPool(workerCount: 3)
    let total = AtomicCount()
    for _ in 0..<20_000 { pool.parallelFor(4) { _ in total.add() } }
    #expect(total.value == 80_000)
  }

  @Test func workersThatSleepWakeForTheNextLoop() {
    let pool = ThreadPool(workerCount: 2, spinMicroseconds: 0)
    let total = AtomicCount()
    for _ in 0..<200 {
      usleep(100)
      pool.parallelFor(3) { _ in total.add() }
    }
    #expect(total.value == 600)
  }

  @Test func callersOnSeveralThreadsAllFinish() async {
    let pool = ThreadPool(workerCount: 2)
    let total = AtomicCount()
    await withTaskGroup(of: Void.self) { group in
      for _ in 0..<6 {
        group.addTask { for _ in 0..<500 { pool.parallelFor(5) { _ in total.add() } } }
      }
    }
    #expect(total.value == 15_000)
  }

  @Test func aLoopWithinALoopRunsOnItsThread() {
    let pool = ThreadPool(workerCount: 2)
    let total = AtomicCount()
    pool.parallelFor(8) { _ in
      let outer = pthread_self()
      pool.parallelFor(8) { _ in
        #expect(pthread_equal(outer, pthread_self()) != 0)
        total.add()
      }
    }
    #expect(total.value == 64)
  }

  @Test func workersTakeItems() {
    let pool = ThreadPool(workerCount: 1)
    let both = AtomicCount()
    // Each item waits for the other: only two threads at once can finish.
    pool.parallelFor(2) { _ in
      both.add()
      while both.value < 2 { sched_yield() }
    }
    #expect(both.value == 2)
  }

  @Test func plainMemoryWrittenByWorkersIsSeenByTheCaller() {
    let pool = ThreadPool(workerCount: 3)
    let values = UnsafeMutableBufferPointer<Int>.allocate(capacity: 512)
    defer { values.deallocate() }
    nonisolated(unsafe) let target = values
    for round in 1...200 {
      pool.parallelFor(512) { target[$0] = round * $0 }
      #expect((0..<512).allSatisfy { values[$0] == round * $0 })
    }
  }

  @Test func aTeamOfAHostsFunctionUsesIt() {
    let team = ThreadTeam(width: 2) { count, body, context in
      for index in (0..<count).reversed() { body?(context, index) }
    }
    let order = Lock<[Int]>([])
    team.parallelFor(3) { index in order.withLock { $0.append(index) } }
    #expect(order.withLock { $0 } == [2, 1, 0])
  }

  @Test func aTeamPassesItsOwnersContext() {
    let calls = AtomicCount()
    let owner = Unmanaged.passUnretained(calls).toOpaque()
    let team = ThreadTeam(width: 2, context: owner) { owner, count, body, context in
      Unmanaged<AtomicCount>.fromOpaque(owner!).takeUnretainedValue().add()
      for index in 0..<count { body?(context, index) }
    }
    let total = AtomicCount()
    team.parallelFor(5) { _ in total.add() }
    #expect(calls.value == 1)
    #expect(total.value == 5)
  }
}

final class AtomicCount: Sendable {
  private let count = Atomic<Int>(0)

  var value: Int { count.load(ordering: .acquiring) }

  func add() { count.add(1, ordering: .acquiringAndReleasing) }
}

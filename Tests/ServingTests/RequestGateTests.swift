import Foundation
import Synchronization
import Testing

@testable import Serving

@Test func aGateLetsNobodyInBeforeItOpensAndAfterItCloses() {
  let gate = RequestGate()
  #expect(!gate.enter())
  gate.setOpen(true)
  #expect(gate.enter(3))
  gate.setOpen(false)
  #expect(!gate.enter())
  #expect(gate.count == 3)
  gate.leave(2)
  gate.leave()
  #expect(gate.count == 0)
}

/// What requests use is taken away once the gate is closed and empty; none may see it gone.
@Test func nobodyIsInsideAnEmptyClosedGate() {
  let gate = RequestGate()
  let isThere = Atomic<Bool>(true)
  let seenGone = Atomic<Int>(0)
  let entered = Atomic<Int>(0)
  gate.setOpen(true)
  DispatchQueue.concurrentPerform(iterations: 5) { thread in
    if thread == 0 {
      while entered.load(ordering: .relaxed) < 1000 { usleep(10) }
      gate.setOpen(false)
      while gate.count > 0 { sched_yield() }
      isThere.store(false, ordering: .sequentiallyConsistent)
      return
    }
    while gate.enter() {
      entered.add(1, ordering: .relaxed)
      if !isThere.load(ordering: .sequentiallyConsistent) { seenGone.add(1, ordering: .relaxed) }
      gate.leave()
    }
  }
  #expect(seenGone.load(ordering: .relaxed) == 0)
  #expect(gate.count == 0)
}

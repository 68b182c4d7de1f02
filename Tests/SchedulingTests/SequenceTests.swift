import Testing

@testable import Scheduling

private func job(_ name: Int, _ id: UInt64, isStart: Bool = false, isEnd: Bool = false) -> Job {
  Job(name) { $0.sequence = SequenceUse(id: .number(id), isStart: isStart, isEnd: isEnd) }
}

private func puppet(limit: Int = 4, idle: Int64 = 100) -> Puppet {
  Puppet { $0.sequences = SequencePolicy(limit: limit, idle: idle) }
}

@Test func aSequenceRunsInOrderAndOneAtATime() throws {
  let scheduler = puppet()
  let jobs = [job(1, 7, isStart: true), job(2, 7), job(3, 7, isEnd: true)]
  for job in jobs { try scheduler.arrive(job) }
  #expect(scheduler.count == 3)
  for job in jobs {
    #expect(scheduler.next().0 == [job.name])
    #expect(scheduler.next().0 == [], "the next ran before this was answered")
    let step = scheduler.answered(job.sequence)
    #expect(step.turns == (job.name < 3 ? 1 : 0) && step.hasEnded == (job.name == 3))
  }
  #expect(scheduler.scheduler.sequenceCount == 0 && scheduler.count == 0)
}

@Test func severalSequencesShareABatch() throws {
  let scheduler = puppet()
  try scheduler.arrive(
    job(1, 1, isStart: true), job(2, 1), job(3, 2, isStart: true), job(4, 3, isStart: true))
  #expect(scheduler.next().0 == [1, 3, 4])
}

@Test func whatDoesNotBeginIsRefused() throws {
  let scheduler = puppet(limit: 1)
  func cause(_ job: Job, at now: Int64 = 0) -> Refusal.Cause? {
    do { _ = try scheduler.arrive(together: [job], at: now) } catch { return (error as? Refusal)?.cause }
    return nil
  }
  #expect(cause(Job(1)) == .sequenceMissing)
  #expect(cause(job(1, 5)) == .sequenceUnknown(.number(5)))
  let first = job(1, 5, isStart: true)
  #expect(cause(first) == nil)
  #expect(cause(job(2, 5, isStart: true)) == .sequenceBusy(.number(5)))
  #expect(cause(job(2, 6, isStart: true)) == .sequences(limit: 1))
  #expect(scheduler.next().0 == [1])
  _ = scheduler.answered(first.sequence, at: 10)
  let last = job(3, 5, isEnd: true)
  #expect(cause(last, at: 110) == nil)
  #expect(cause(job(4, 5), at: 110) == .sequenceUnknown(.number(5)), "nothing comes after the end")
}

@Test func anIdleSequenceEnds() throws {
  let scheduler = puppet()
  let first = job(1, 5, isStart: true)
  try scheduler.arrive(first)
  #expect(scheduler.expireSequences(at: 1000) == [], "it waits itself")
  _ = scheduler.next(at: 1000)
  _ = scheduler.answered(first.sequence, at: 1010)
  #expect(scheduler.expireSequences(at: 1110) == [])
  #expect(throws: Refusal.self) { try scheduler.arrive(job(2, 5), at: 1111) }
  #expect(scheduler.expireSequences(at: 1111) == [.number(5)])
  try scheduler.arrive(job(3, 5, isStart: true), at: 1112)
}

@Test func aStartThatFailsTakesTheRestWithIt() throws {
  let scheduler = puppet()
  let first = job(1, 5, isStart: true)
  try scheduler.arrive(first, job(2, 5), job(3, 5))
  #expect(scheduler.next().0 == [1])
  let step = scheduler.answered(first.sequence, isSuccess: false)
  #expect(step.hasEnded && step.dropped.map(\.job.name) == [2, 3])
  #expect(step.dropped.allSatisfy { $0.cause == .sequenceEnded })
  #expect(throws: Refusal.self) { try scheduler.arrive(job(4, 5)) }
}

@Test func theEndMayBeLost() throws {
  let scheduler = puppet()
  let first = job(1, 5, isStart: true)
  var last = job(2, 5, isEnd: true)
  last.deadline = 5
  try scheduler.arrive(first, last)
  _ = scheduler.next()
  let step = scheduler.answered(first.sequence, at: 6)
  #expect(step.dropped.map(\.cause) == [.expired] && step.hasEnded)
  #expect(scheduler.scheduler.sequenceCount == 0)
}

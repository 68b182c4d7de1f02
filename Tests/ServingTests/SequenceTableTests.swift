import Tensors
import Testing

@testable import Serving

@Suite struct SequenceTableTests {
  private typealias Table = SequenceTable<String>
  private let a = SequenceID.number(7)

  private func table(sequences: Int = 10, waiting: Int = 10) -> Table {
    Table(limits: Table.Limits(sequences: sequences, waiting: waiting, idle: 100), model: "m")
  }

  private func step(_ id: SequenceID, start: Bool = false, end: Bool = false) -> SequenceStep {
    SequenceStep(id: id, isStart: start, isEnd: end)
  }

  private func state(_ value: Int32) throws -> [Tensor] {
    let tensor = try #require(Tensor(name: "s", datatype: .int32, shape: [1]))
    tensor.elements(as: Int32.self)[0] = value
    return [tensor]
  }

  /// What of a sequence is remembered for a request that runs; nil if it does not run.
  private func remembered(_ arrival: Table.Arrival) -> [Int32]? {
    guard case .runs(let states) = arrival else { return nil }
    return states.map { $0.elements(as: Int32.self)[0] }
  }

  private func refusal(_ arrival: Table.Arrival) -> ServingError.Code? {
    guard case .refused(let error) = arrival else { return nil }
    return error.code
  }

  @Test func theFirstRequestStartsItsSequence() throws {
    var table = table()
    #expect(refusal(table.arrive("r", step(a), at: 0)) == .invalidArgument)
    #expect(remembered(table.arrive("r", step(a, start: true), at: 0)) == [])
    // Numbers and texts are different names.
    #expect(refusal(table.arrive("r", step(.text("7")), at: 0)) == .invalidArgument)
  }

  @Test func whatARequestLeavesGoesToTheNext() throws {
    var table = table()
    #expect(remembered(table.arrive("1", step(a, start: true), at: 0)) == [])
    #expect(table.finish(a, states: try state(5), at: 10).request == nil)
    #expect(remembered(table.arrive("2", step(a), at: 20)) == [5])
    // A request that failed leaves what was there.
    #expect(table.finish(a, states: nil, at: 30).request == nil)
    #expect(remembered(table.arrive("3", step(a), at: 40)) == [5])
    _ = table.finish(a, states: try state(6), at: 50)
    #expect(remembered(table.arrive("4", step(a, start: true), at: 60)) == [])
  }

  @Test func requestsOfASequenceRunOneAfterTheOther() throws {
    var table = table()
    _ = table.arrive("1", step(a, start: true), at: 0)
    for name in ["2", "3"] {
      guard case .waits = table.arrive(name, step(a), at: 0) else {
        Issue.record("\(name) does not wait")
        return
      }
    }
    #expect(remembered(table.arrive("other", step(.text("b"), start: true), at: 0)) == [])
    let release = table.finish(a, states: try state(1), at: 10)
    #expect(release.request?.0 == "2" && release.states.count == 1)
    #expect(table.finish(a, states: try state(2), at: 20).request?.0 == "3")
    #expect(table.finish(a, states: try state(3), at: 30).request == nil)
    #expect(table.waitingCount == 0)
  }

  @Test func theEndEndsIt() throws {
    var table = table()
    _ = table.arrive("1", step(a, start: true, end: true), at: 0)
    for (name, start) in [("late", false), ("new", true)] {
      _ = table.arrive(name, step(a, start: start), at: 0)
    }
    let release = table.finish(a, states: try state(1), at: 10)
    #expect(release.refused.map(\.0) == ["late"])
    #expect(release.request?.0 == "new" && release.states.isEmpty)
    _ = table.finish(a, states: try state(1), at: 20)
    _ = table.arrive("last", step(a, end: true), at: 30)
    _ = table.finish(a, states: try state(1), at: 40)
    #expect(table.count == 0)
    #expect(refusal(table.arrive("r", step(a), at: 50)) == .invalidArgument)
  }

  @Test func anIdleSequenceIsForgotten() throws {
    var table = table(sequences: 1)
    _ = table.arrive("1", step(a, start: true), at: 0)
    // It runs for long, which is not being idle.
    #expect(refusal(table.arrive("r", step(.text("b"), start: true), at: 1000)) == .queueFull)
    _ = table.finish(a, states: try state(1), at: 1000)
    #expect(refusal(table.arrive("r", step(.text("b"), start: true), at: 1100)) == .queueFull)
    #expect(remembered(table.arrive("r", step(.text("b"), start: true), at: 1101)) == [])
    #expect(refusal(table.arrive("r", step(a), at: 1102)) == .invalidArgument)
  }

  @Test func noMoreWaitThanMay() throws {
    var table = table(waiting: 1)
    _ = table.arrive("1", step(a, start: true), at: 0)
    _ = table.arrive("2", step(a), at: 0)
    #expect(refusal(table.arrive("3", step(a), at: 0)) == .queueFull)
    _ = table.finish(a, states: nil, at: 10)
    #expect(table.waitingCount == 0)
    guard case .waits = table.arrive("3", step(a), at: 20) else {
      Issue.record("there is room again")
      return
    }
  }
}

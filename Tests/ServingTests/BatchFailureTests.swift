import PluginHost
import Tensors
import TestSupport
import Testing

@testable import Serving

@Test func oneBadRowFailsAloneInABatchOfAnySize() throws {
  let server = try PickyServer(plugin: "fragile")
  for size in 1...16 {
    for bad in Set([0, size / 2, size - 1]) {
      let first = try server.occupy()
      let sent = try (0..<size).map { try server.submit([$0 == bad ? -1 : Float($0)]).1 }
      #expect(first.answer() != nil)
      for (index, recorder) in sent.enumerated() {
        let answer = try #require(recorder.answer(), "row \(index) of \(size) got no answer")
        if index == bad {
          #expect(recorder.error?.code == .invalidArgument && recorder.error?.message == "a row is negative")
        } else {
          #expect(values(try answer.get()[0]) == [Float(index) * 2])
        }
        #expect(recorder.count == 1)
      }
    }
  }
  let statistics = try server.manager.find("m").statistics
  #expect(statistics.failed.count == (1...16).reduce(0) { $0 + Set([0, $1 / 2, $1 - 1]).count })
}

@Test func manyBadRowsEachFailAlone() throws {
  let server = try PickyServer(plugin: "fragile")
  let seed = seedOfThisRun()
  var random = SeededGenerator(seed: seed)
  let first = try server.occupy()
  let sent = try (0..<200).map { index in
    let isBad = Int.random(in: 0..<3, using: &random) == 0
    return (isBad, index, try server.submit([isBad ? -1 : Float(index)]).1)
  }
  #expect(first.answer() != nil)
  for (isBad, index, recorder) in sent {
    let answer = try #require(recorder.answer(), "seed \(seed)")
    #expect((try? answer.get()).map { values($0[0]) } == (isBad ? nil : [Float(index) * 2]), "seed \(seed)")
  }
}

@Test func aCallThatIsNotToBeRetriedFailsAllItsRequests() throws {
  let server = try PickyServer()
  let first = try server.occupy()
  let sent = try (0..<3).map { _ in try server.submit([1]).1 }
  for answer in [first] + sent { #expect(try answer.answer()?.get() != nil) }
  #expect(try server.manager.find("m").statistics.executions >= 2)
}

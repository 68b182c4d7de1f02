import PluginHost
import Tensors
import TestSupport
import Testing

@testable import Serving

private func cachingServer(bytes: Int = 1 << 20) throws -> PickyServer {
  var configuration = ModelConfiguration()
  configuration.cacheBytes = bytes
  return try PickyServer(model: configuration)
}

@Test func whatWasAskedBeforeIsNotExecutedAgain() throws {
  let server = try cachingServer()
  for _ in 0..<5 { #expect(try server.submit([21]).1.answer()?.get().first.map(values) == [42]) }
  #expect(try server.submit([22]).1.answer()?.get().first.map(values) == [44])
  let statistics = try server.manager.find("m").statistics
  #expect(statistics.executions == 2)
  #expect(statistics.cacheHit.count == 4)
  #expect(statistics.cacheMiss.count == 2)
}

@Test func equalQuestionsAtOnceAreExecutedOnce() throws {
  let server = try cachingServer()
  let sent = try (0..<10).map { _ in try server.submit([1000]).1 }
  for recorder in sent {
    #expect(try recorder.answer()?.get().first.map(values) == [2000])
    #expect(recorder.count == 1)
  }
  #expect(try server.manager.find("m").statistics.executions == 1)
}

@Test func failuresAreNotRemembered() throws {
  let server = try cachingServer()
  for _ in 0..<2 {
    let (_, recorder) = try server.submit([-1])
    #expect(recorder.answer() != nil)
    #expect(recorder.error?.code == .invalidArgument)
  }
  #expect(try server.manager.find("m").statistics.executions == 2)
}

@Test func whoFollowsOneThatIsCalledOffIsServedAllTheSame() throws {
  let server = try cachingServer()
  let first = try server.occupy()
  let (leader, cancelled) = try server.submit([7])
  let (_, follower) = try server.submit([7])
  leader.cancel()
  #expect(first.answer() != nil)
  #expect(cancelled.answer() != nil)
  #expect(cancelled.error?.code == .cancelled)
  #expect(try follower.answer()?.get().first.map(values) == [14])
}

@Test func theCacheKeepsWithinItsBytes() throws {
  let cache = ResponseCache(byteLimit: 4096)
  let seed = seedOfThisRun()
  var random = SeededGenerator(seed: seed)
  var hits = 0
  for _ in 0..<2000 {
    let value = Float(Int.random(in: 0..<20, using: &random))
    let input = floats([4], [value, 1, 2, 3])
    switch cache.ask(InferenceRequest(id: "", inputs: [input], receiver: Recorder())) {
    case .known(let outputs):
      hits += 1
      #expect(values(outputs[0]) == [value], "seed \(seed)")
    case .joined: Issue.record("nothing is computed meanwhile, seed \(seed)")
    case .new(let entry):
      #expect(cache.finish(entry, outputs: [floats([1], [value])]).isEmpty)
    }
    #expect(cache.byteCount <= 4096, "seed \(seed)")
  }
  #expect(hits > 100, "seed \(seed)")
}

import PluginHost
import Scheduling
import Telemetry
import Tensors
import TestSupport
import Testing

@testable import Serving

/// Keeps the model busy for more than a second.
private func occupyForLong(_ server: PickyServer) throws -> Recorder {
  let recorder = try server.submit(Array(repeating: 1000, count: 16)).1
  while try server.manager.find("m").queueDepth > 0 {}
  return recorder
}

@Test func whatWaitsInVainIsAnsweredWhileTheModelIsBusy() throws {
  let server = try PickyServer()
  let busy = try occupyForLong(server)
  let (_, late) = try server.submit([1], deadline: MonotonicClock.system.now() + 1_000_000)
  let (request, cancelled) = try server.submit([2])
  request.cancel()
  #expect(late.answer() != nil && cancelled.answer() != nil)
  #expect(busy.count == 0, "they waited for the batch before them")
  #expect(late.error?.code == .deadlineExceeded)
  #expect(cancelled.error?.code == .cancelled)
  #expect(busy.answer() != nil)
}

@Test func theMostImportantIsServedFirst() throws {
  var configuration = ModelConfiguration()
  configuration.maximumBatch = 1
  var batching = BatchingSettings()
  batching.levels = [QueueSettings(), QueueSettings()]
  batching.defaultLevel = 2
  configuration.batching = batching
  let server = try PickyServer(model: configuration)
  let busy = try server.occupy()
  let usual = try server.submit([1000]).1
  let important = try server.submit([1], priority: 1).1
  #expect(busy.answer() != nil && important.answer() != nil)
  #expect(usual.count == 0, "the default level went first")
  #expect(usual.answer() != nil)
}

@Test func allModelsShareABudget() throws {
  let server = try PickyServer { $0.requestBytes = 100 }
  let busy = try occupyForLong(server)
  let error = #expect(throws: ServingError.self) { try server.submit(Array(repeating: 1, count: 16)) }
  #expect(error?.code == .queueFull && error?.message.contains("all models") == true)
  #expect(busy.answer() != nil)
  #expect(try server.submit(Array(repeating: 1, count: 16)).1.answer()?.get() != nil)
}

@Test func aBudgetIsGivenBackAndSharedEvenly() {
  let budget = ByteBudget(limit: 1000)
  #expect(budget.take(5000, held: 0), "where nothing is held, one fits")
  #expect(!budget.take(1, held: 0))
  budget.give(back: 5000)
  var held = 0
  while budget.take(10, held: held) { held += 10 }
  #expect((800...950).contains(held), "one alone came to \(held)")
  #expect(budget.take(10, held: 0), "a newcomer finds room")
  budget.give(back: held + 10)
  #expect(budget.bytes == 0)
}

@Test func aLingeringModelGathersAndAnswersAll() throws {
  var configuration = ModelConfiguration()
  var batching = BatchingSettings()
  batching.maximumDelay = 20_000_000
  configuration.batching = batching
  let server = try PickyServer(model: configuration)
  let sent = try (0..<300).map { try server.submit([Float($0)]).1 }
  for (index, recorder) in sent.enumerated() {
    #expect(try recorder.answer()?.get().first.map(values) == [Float(index) * 2])
    #expect(recorder.count == 1)
  }
}

@Test func aModelDoesNotWaitForTheExecutionsOfOthers() throws {
  let server = try PickyServer(names: ["m", "n"]) { $0.workerCount = 1 }
  let busy = try occupyForLong(server)
  for value in 1...5 { #expect(try server.submit([Float(value)], to: "n").1.answer()?.get() != nil) }
  #expect(busy.count == 0, "they waited for the other model")
  #expect(busy.answer() != nil)
}

@Test func coresBoundExecutionsAndWhatEachMayUse() {
  var configuration = ModelConfiguration()
  #expect(configuration.executions(of: 8) == 8 && configuration.threads(of: 8) == .max)
  configuration.cores = 4
  #expect(configuration.executions(of: 8) == 4 && configuration.threads(of: 8) == 1)
  configuration.instances = 2
  #expect(configuration.executions(of: 8) == 2 && configuration.threads(of: 8) == 2)
  #expect(configuration.executions(of: 1) == 1 && configuration.threads(of: 1) == 4)
  configuration.cores = 1
  #expect(configuration.executions(of: 8) == 1 && configuration.threads(of: 8) == 1)
}

import Foundation
import PluginHost
import Telemetry
import Tensors
import TestSupport
import Testing

@testable import Serving

/// A manager over one model `m` of a plugin out of Fixtures, loaded for real.
final class PickyServer {
  let folder: TemporaryFolder
  let manager: ModelManager

  init(
    plugin: String = "picky", names: [String] = ["m"], model: ModelConfiguration = ModelConfiguration(),
    _ change: (inout ServingConfiguration) -> Void = { _ in }
  ) throws {
    folder = try TemporaryFolder()
    for name in names {
      try FileManager.default.createDirectory(
        atPath: folder.path + "/models/\(name)/1", withIntermediateDirectories: true)
    }
    let built = try Command([
      "cc", "-shared", "-fPIC", "-I", "Sources/CSwervePlugin/include",
      "Tests/ServingTests/Fixtures/\(plugin).c", "-o",
      folder.path + "/models/m/1/plugin.so",
    ])
    for name in names {
      // Its content is what `model` says.
      try folder.write("models/\(name)/model.json", "{}")
      guard name != "m" else { continue }
      try FileManager.default.copyItem(
        atPath: folder.path + "/models/m/1/plugin.so", toPath: folder.path + "/models/\(name)/1/plugin.so")
    }
    #expect(built.status == 0, "\(built.error)")
    var configuration = ServingConfiguration()
    configuration.workerCount = 4
    configuration.pollSeconds = 0.05
    change(&configuration)
    let loaded = DispatchSemaphore(value: 0)
    manager = ModelManager(
      repository: ModelRepository(
        roots: [folder.path + "/models"], reader: PlainReader(configuration: model)),
      locator: PluginLocator(directories: []), configuration: configuration, services: HostServices(),
      metrics: Metrics(), log: Log(level: .error), onFirstScan: { _ in loaded.signal() })
    manager.start()
    #expect(loaded.wait(timeout: .now() + 30) == .success)
    #expect(manager.unreadyReasons == [])
  }

  deinit { manager.stop() }

  /// Submits a request that takes a tenth of a second, and returns when a worker has it.
  func occupy() throws -> Recorder {
    let recorder = try submit([1000]).1
    while try manager.find("m").queueDepth > 0 { usleep(1000) }
    return recorder
  }

  func submit(_ values: [Float], to model: String = "m", deadline: Int64 = 0, priority: Int = 0) throws -> (
    InferenceRequest, Recorder
  ) {
    try submit(floats([values.count], values), to: model, deadline: deadline, priority: priority)
  }

  func submit(_ input: Tensor, to model: String = "m", deadline: Int64 = 0, priority: Int = 0) throws -> (
    InferenceRequest, Recorder
  ) {
    let recorder = Recorder()
    let request = InferenceRequest(
      id: "", inputs: [input], deadline: deadline, priority: priority, receiver: recorder)
    try manager.find(model).submit(request)
    return (request, recorder)
  }
}

@Test func everyRequestOfABatchGetsItsOwnRowsAndItsOwnFault() throws {
  let server = try PickyServer()
  let seed = seedOfThisRun()
  var random = SeededGenerator(seed: seed)
  var sent: [([Float], Recorder)] = []
  for _ in 0..<400 {
    let isBad = Int.random(in: 0..<10, using: &random) == 0
    let values = (0..<Int.random(in: 1...4, using: &random)).map { _ in
      Float(Int.random(in: 0...99, using: &random))
    }
    let all = isBad ? values + [-1] : values
    sent.append((all, try server.submit(all).1))
  }
  for (input, recorder) in sent {
    let answer = try #require(recorder.answer(), "no answer, seed \(seed)")
    switch answer {
    case .success(let outputs):
      #expect(values(outputs[0]) == input.map { $0 * 2 }, "seed \(seed)")
    case .failure(let error):
      #expect(error.code == .invalidArgument && error.message == "x must not be negative", "seed \(seed)")
      #expect(input.contains(-1), "seed \(seed)")
    }
    #expect(recorder.count == 1)
  }
}

@Test func aRequestWiderThanTheModelIsSplitAndGathered() throws {
  let server = try PickyServer()
  let input = (0..<100).map(Float.init)
  let outputs = try #require(try server.submit(input).1.answer()?.get())
  #expect(outputs[0].shape == [100])
  #expect(values(outputs[0]) == input.map { $0 * 2 })
}

@Test func aRequestThatWaitsPastItsDeadlineIsRefused() throws {
  let server = try PickyServer()
  let first = try server.occupy()
  let deadline = MonotonicClock.system.now() + 20_000_000
  let (_, second) = try server.submit([1], deadline: deadline)
  #expect(first.answer() != nil)
  _ = second.answer()
  #expect(second.error?.code == .deadlineExceeded)
}

@Test func aCancelledRequestThatWaitsIsDropped() throws {
  let server = try PickyServer()
  let first = try server.occupy()
  let (request, second) = try server.submit([1])
  request.cancel()
  #expect(first.answer() != nil)
  _ = second.answer()
  #expect(second.error?.code == .cancelled)
}

@Test func aFullQueueRefusesAtOnce() throws {
  let server = try PickyServer { $0.queuedRequests = 2 }
  var answers = [try server.occupy()]
  answers += try (0..<2).map { _ in try server.submit([1]).1 }
  let error = #expect(throws: ServingError.self) { try server.submit([1]) }
  #expect(error?.code == .queueFull)
  for answer in answers { #expect(try answer.answer()?.get() != nil) }
}

@Test func aRemovedModelAnswersWhatRunsAndRefusesTheRest() throws {
  let server = try PickyServer()
  let model = try server.manager.find("m")
  let running = try server.occupy()
  try FileManager.default.removeItem(atPath: server.folder.path + "/models/m")
  #expect(try running.answer()?.get() != nil)
  let end = Date() + 10
  while model.state != .unloaded && Date() < end { usleep(10_000) }
  #expect(model.state == .unloaded)
  let late = InferenceRequest(id: "", inputs: [floats([1], [1])], receiver: Recorder())
  let error = #expect(throws: ServingError.self) { try model.submit(late) }
  #expect(error?.code == .notReady)
}

@Test func aBadReplacementLeavesTheOldServing() throws {
  let server = try PickyServer()
  try server.folder.write("models/m/1/plugin.so", "no library any more")
  usleep(400_000)
  #expect(try server.manager.find("m").state == .ready)
  #expect(try server.submit([21]).1.answer()?.get().first.map(values) == [42])
}

/// Lets the model learn that requests of one value are quick, on workers.
private func prove(_ server: PickyServer) throws {
  for _ in 0..<100 { #expect(try server.submit([1]).1.answer()?.get() != nil) }
}

@Test func aQuickModelRunsOnTheThreadThatSubmits() throws {
  let server = try PickyServer { $0.inlineNanoseconds = 10_000_000 }
  try prove(server)
  // The worker of the request before may not have given its turn back when that is answered.
  for attempt in 1...1000 {
    let recorder = Recorder()
    let request = InferenceRequest(id: "", inputs: [floats([1], [21])], receiver: recorder)
    let isDone = try server.manager.find("m").submit(request, mayRunHere: true)
    if isDone { #expect(recorder.count == 1, "it was answered before submit returned") }
    #expect(values(try #require(try recorder.answer()?.get())[0]) == [42])
    if isDone { return }
    #expect(attempt < 1000, "no request ran on the thread that submitted it")
    usleep(1000)
  }
}

@Test func aQuickModelThatIsToldNotToRunsOnAWorker() throws {
  let server = try PickyServer { $0.inlineNanoseconds = 10_000_000 }
  try prove(server)
  let recorder = Recorder()
  let request = InferenceRequest(id: "", inputs: [floats([1], [21])], receiver: recorder)
  #expect(try !server.manager.find("m").submit(request))
  #expect(try recorder.answer()?.get() != nil)
}

@Test func aModelThatIsNotKnownToBeQuickRunsOnAWorker() throws {
  let server = try PickyServer { $0.inlineNanoseconds = 0 }
  try prove(server)
  let recorder = Recorder()
  let request = InferenceRequest(id: "", inputs: [floats([1], [21])], receiver: recorder)
  #expect(try !server.manager.find("m").submit(request, mayRunHere: true))
  #expect(try recorder.answer()?.get() != nil)
}

@Test func aRequestDoesNotOvertakeThoseThatWait() throws {
  let server = try PickyServer { $0.inlineNanoseconds = 10_000_000 }
  try prove(server)
  let first = try server.occupy()
  let (_, waiting) = try server.submit([1])
  let recorder = Recorder()
  let request = InferenceRequest(id: "", inputs: [floats([1], [2])], receiver: recorder)
  #expect(try !server.manager.find("m").submit(request, mayRunHere: true))
  for answer in [first, waiting, recorder] { #expect(try answer.answer()?.get() != nil) }
}

@Test func theGenerationChangesWithTheModels() throws {
  let server = try PickyServer()
  let before = server.manager.generation
  #expect(server.manager.generation == before)
  try FileManager.default.removeItem(atPath: server.folder.path + "/models/m")
  for _ in 0..<1000 where server.manager.generation == before { usleep(10_000) }
  #expect(server.manager.generation != before)
}

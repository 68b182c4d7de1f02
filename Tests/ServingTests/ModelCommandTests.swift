import Foundation
import Locks
import PluginHost
import Telemetry
import Tensors
import TestSupport
import Testing

@testable import Serving

/// A manager over models of the plugin `picky` that are loaded when they are asked for.
private final class ExplicitServer {
  let folder: TemporaryFolder
  let manager: ModelManager

  init(models: [String], _ change: (inout ServingConfiguration) -> Void = { _ in }) throws {
    folder = try TemporaryFolder()
    let library = folder.path + "/picky.so"
    let built = try Command([
      "cc", "-shared", "-fPIC", "-I", "Sources/CSwervePlugin/include", "Tests/ServingTests/Fixtures/picky.c",
      "-o", library,
    ])
    #expect(built.status == 0, "\(built.error)")
    for model in models { try folder.write("models/\(model)/1/model.picky", "x") }
    var configuration = ServingConfiguration()
    configuration.control = .explicit
    configuration.uploadFolder = folder.path
    change(&configuration)
    let loaded = DispatchSemaphore(value: 0)
    manager = ModelManager(
      repository: ModelRepository(roots: [folder.path + "/models"], reader: PlainReader()),
      locator: PluginLocator(directories: [folder.path]), configuration: configuration,
      services: HostServices(), metrics: Metrics(), log: Log(level: .error, descriptor: -1),
      onFirstScan: { _ in loaded.signal() })
    manager.start()
    #expect(loaded.wait(timeout: .now() + 30) == .success)
  }

  deinit { manager.stop() }

  /// Waits for what `order` is told.
  func wait(_ order: (@escaping @Sendable (ServingError?) -> Void) -> Void) -> ServingError? {
    let done = DispatchSemaphore(value: 0)
    let told = Lock<ServingError?>(nil)
    order { error in
      told.withLock { $0 = error }
      done.signal()
    }
    #expect(done.wait(timeout: .now() + 30) == .success, "nobody was told")
    return told.withLock { $0 }
  }

  func load(_ name: String, _ upload: ModelUpload = ModelUpload()) -> ServingError? {
    wait { manager.load(name, upload: { () throws(ServingError) in upload }, done: $0) }
  }

  func unload(_ name: String) -> ServingError? { wait { manager.unload(name, done: $0) } }

  /// `name version state` of each entry.
  var index: [String] {
    manager.index.map { "\($0.name) \($0.version ?? 0) \($0.state?.rawValue ?? "-")" }
  }

  func ask(_ name: String) throws -> Bool {
    let recorder = Recorder()
    try manager.find(name).submit(
      InferenceRequest(id: "", inputs: [floats([1], [21])], receiver: recorder))
    return try recorder.answer()?.get().first.map(values) == [42]
  }
}

@Test func modelsAreLoadedAndUnloadedWhenAskedFor() throws {
  let server = try ExplicitServer(models: ["a", "b"])
  #expect(server.index == ["a 0 -", "b 0 -"])
  #expect(server.manager.unreadyReasons == [])
  #expect(server.load("a") == nil)
  #expect(try server.ask("a"))
  #expect(server.index == ["a 1 READY", "b 0 -"])
  #expect(server.unload("a") == nil)
  #expect(server.index == ["a 1 UNAVAILABLE", "b 0 -"])
  #expect(throws: ServingError.self) { try server.ask("a") }
  #expect(server.unload("b") == nil, "it is known and not loaded")
  #expect(server.load("nope")?.code == .unknownModel)
  #expect(server.unload("nope")?.code == .unknownModel)
}

@Test func aLoadThatFailsSaysWhyAndLeavesTheOldServing() throws {
  let server = try ExplicitServer(models: ["a"])
  #expect(server.load("a") == nil)
  var upload = ModelUpload()
  upload.configuration = "nonesuch"
  let error = server.load("a", upload)
  #expect(error?.message.contains("load failed for model 'a': version 1") == true, "\(error?.message ?? "")")
  #expect(error?.message.contains("nonesuch") == true)
  #expect(try server.ask("a"))
  #expect(server.manager.unreadyReasons == [])
  try server.folder.write("models/c/1/model.nothing", "x")
  #expect(server.load("c")?.code == .invalidArgument)
  #expect(server.index == ["a 1 READY", "c 1 UNAVAILABLE"])
  #expect(server.manager.unreadyReasons == [], "who asked was told; readiness is another matter")
}

@Test func filesThatAreSentAreServedAndGoWithTheModel() throws {
  let server = try ExplicitServer(models: [])
  var upload = ModelUpload()
  upload.configuration = "picky"
  upload.files = [ModelFile(path: "3/deep/weights", bytes: [1, 2, 3])]
  #expect(server.load("sent", upload) == nil)
  #expect(try server.ask("sent"))
  let folder = try server.manager.find("sent").source.path
  #expect(try Data(contentsOf: URL(fileURLWithPath: folder + "/deep/weights")) == Data([1, 2, 3]))
  #expect(server.unload("sent") == nil)
  let end = Date() + 10
  while FileManager.default.fileExists(atPath: folder), Date() < end { usleep(1000) }
  #expect(!FileManager.default.fileExists(atPath: folder))
}

@Test(arguments: [
  "../x", "1/../../x", "/etc/x", "1/plugin.so", "1/lib.so.1", "model.onnx", "0/x", "01/x", "1//x", "1/.x",
  "a/x", "1/",
])
func aFilePathThatLeadsAstrayIsRefused(_ path: String) throws {
  let error = #expect(throws: ServingError.self) {
    try UploadedModel(files: [ModelFile(path: path, bytes: [])], in: NSTemporaryDirectory())
  }
  #expect(error?.code == .invalidArgument)
}

@Test func filesWithoutAConfigurationAreRefused() throws {
  let server = try ExplicitServer(models: ["a"])
  var upload = ModelUpload()
  upload.files = [ModelFile(path: "1/x", bytes: [])]
  #expect(server.load("a", upload)?.message.contains("'config'") == true)
}

@Test func whoWaitsTooLongIsTold() throws {
  let server = try ExplicitServer(models: ["a"]) { $0.loadSeconds = 0.2 }
  let holds = DispatchSemaphore(value: 0)
  let first = DispatchSemaphore(value: 0)
  server.manager.load(
    "a",
    upload: { () throws(ServingError) in
      _ = holds.wait(timeout: .now() + 20)
      return ModelUpload()
    }, done: { _ in first.signal() })
  #expect(server.load("a")?.code == .deadlineExceeded)
  #expect(first.wait(timeout: .now() + 0.3) == .timedOut, "what it sent is still being read")
  holds.signal()
  #expect(first.wait(timeout: .now() + 20) == .success)
}

@Test func withoutExplicitControlNothingIsLoadedByOrder() throws {
  let server = try ExplicitServer(models: ["a"]) { $0.control = .none }
  #expect(server.load("a")?.message.contains("--model-control explicit") == true)
  #expect(server.unload("a")?.code == .notReady)
}

@Test func theStartLoadsWhatItIsTold() throws {
  let server = try ExplicitServer(models: ["a", "b", "c"]) { $0.initialModels = ["b", "none"] }
  #expect(server.index == ["a 0 -", "b 1 READY", "c 0 -"])
  #expect(server.manager.unreadyReasons.count == 1)
  let all = try ExplicitServer(models: ["a", "b"]) { $0.initialModels = ["*"] }
  #expect(all.index == ["a 1 READY", "b 1 READY"])
}

@Test func withinABudgetTheLeastRecentlyUsedSleepsAndWakes() throws {
  let server = try ExplicitServer(models: []) {
    $0.control = .none
    $0.memoryBudget = 25
  }
  #expect(server.index == [])
  for model in ["a", "b", "c"] { try server.folder.write("models/\(model)/1/model.picky", "ten bytes.") }
  let other = ModelManager(
    repository: server.manager.repository, locator: server.manager.locator,
    configuration: server.manager.configuration, services: HostServices(), metrics: Metrics(),
    log: Log(level: .error, descriptor: -1))
  other.start()
  defer { other.stop() }
  let end = Date() + 10
  while !other.unreadyReasons.isEmpty, Date() < end { usleep(1000) }
  #expect(other.models.map(\.isReady) == [true, true, false])
  func use(_ name: String) throws {
    let recorder = Recorder()
    try other.find(name).submit(InferenceRequest(id: "", inputs: [floats([1], [1])], receiver: recorder))
    #expect(try recorder.answer()?.get() != nil)
  }
  try use("a")
  #expect(try other.find("c").isAsleep)
  #expect(server.wait { other.awaken("c", version: 1, done: $0) } == nil)
  #expect(other.models.map(\.isReady) == [true, false, true])
  try use("c")
  #expect(server.wait { other.awaken("b", version: 1, done: $0) } == nil)
  #expect(other.models.map(\.isReady).filter(\.self).count == 2)
  try use("b")
}

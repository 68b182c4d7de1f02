import Foundation
import Testing

@testable import Serving

/// A repository folder that is removed after the test.
private struct Folder: ~Copyable {
  let path = NSTemporaryDirectory() + "swerve-" + UUID().uuidString

  init(_ files: [String: String] = [:]) throws {
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    for (name, text) in files { try write(name, text) }
  }

  func write(_ name: String, _ text: String) throws {
    let file = path + "/" + name
    try FileManager.default.createDirectory(
      atPath: (file as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
    try text.write(toFile: file, atomically: false, encoding: .utf8)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }
}

private struct Wrong: Error, CustomStringConvertible {
  var description: String
}

private func repository(_ path: String) -> ModelRepository {
  ModelRepository(roots: [path]) { path in
    let text = try String(contentsOfFile: path, encoding: .utf8)
    guard text != "bad" else { throw Wrong(description: "line 1: not JSON") }
    var configuration = ModelConfiguration()
    if text == "all" { configuration.versionPolicy = .all } else { configuration.plugin = text }
    return configuration
  }
}

@Test func theNewestVersionOfEachModelIsWanted() throws {
  let folder = try Folder([
    "a/1/model.onnx": "x", "a/12/model.onnx": "x", "a/2/model.onnx": "x", "a/notes/x": "",
    "b/1/model.onnx": "x",
    "README.md": "not a model", ".hidden/1/model.onnx": "x",
  ])
  let found = repository(folder.path).scan().sources
  #expect(found.map { "\($0.name) \($0.version)" } == ["a 12", "b 1"])
}

@Test func aConfigurationIsReadAndItsFaultIsKeptWithTheModel() throws {
  let folder = try Folder([
    "a/1/model.onnx": "x", "a/2/model.onnx": "x", "a/model.json": "all", "b/1/x": "", "b/model.json": "bad",
    "c/1/x": "", "c/model.json": "half_plus_two",
  ])
  let found = repository(folder.path).scan().sources
  #expect(found.map(\.version) == [1, 2, 1, 1])
  #expect(found[2].fault == "\(folder.path)/b/model.json: line 1: not JSON")
  #expect(found[3].configuration.plugin == "half_plus_two")
}

@Test func aModelWithoutAVersionFolderSaysWhatToDo() throws {
  let folder = try Folder(["a/model.onnx": "x"])
  let found = repository(folder.path).scan().sources
  #expect(
    found.first?.fault
      == "\(folder.path)/a has no version folder: put the model's files in \(folder.path)/a/1")
}

@Test func aChangedFileChangesTheFingerprint() throws {
  let folder = try Folder(["a/1/model.onnx": "x", "a/1/deep/er/weights": "x"])
  let before = try #require(repository(folder.path).scan().sources.first?.fingerprint)
  #expect(repository(folder.path).scan().sources.first?.fingerprint == before)
  try folder.write("a/1/deep/er/weights", "longer")
  #expect(repository(folder.path).scan().sources.first?.fingerprint != before)
}

@Test func aRepositoryThatIsNotThereIsAFaultAndHidesNothing() throws {
  let folder = try Folder(["a/1/model.onnx": "x"])
  let both = ModelRepository(roots: ["/no/such", folder.path]) { _ in ModelConfiguration() }.scan()
  #expect(both.sources.map(\.name) == ["a"])
  #expect(both.faults.first?.contains("/no/such") == true)
}

@Test func aPluginIsNamedByTheFileItServes() throws {
  let folder = try Folder([
    "m/1/model.onnx": "x", "plugins/libonnx.so": "x", "plugins/own.so": "x", "p/1/plugin.so": "",
  ])
  let locator = PluginLocator(directories: ["/no/such", folder.path + "/plugins"])
  var source = ModelSource(name: "m", version: 1, path: folder.path + "/m/1")
  #expect(try locator.locate(source) == folder.path + "/plugins/libonnx.so")
  source.configuration.plugin = "own"
  #expect(try locator.locate(source) == folder.path + "/plugins/own.so")
  #expect(
    try locator.locate(ModelSource(name: "p", version: 1, path: folder.path + "/p/1")) == folder.path
      + "/p/1/plugin.so")
}

@Test(arguments: ["../evil", "a/b", "", ".hidden", "a b"]) func aPluginNameIsNoPath(_ name: String) throws {
  var source = ModelSource(name: "m", version: 1, path: "/m/1")
  source.configuration.plugin = name
  let error = #expect(throws: (any Error).self) { try PluginLocator(directories: ["/"]).locate(source) }
  #expect("\(try #require(error))".contains("and no path"))
}

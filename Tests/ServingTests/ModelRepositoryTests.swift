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

/// Reads a `model.json` that holds one word.
private struct WordReader: ConfigurationReading {
  func configuration(ofModel name: String, in folder: String) throws -> ModelConfiguration {
    let path = folder + "/model.json"
    guard let text = try? String(contentsOfFile: path, encoding: .utf8) else { return ModelConfiguration() }
    guard text != "bad" else { throw Wrong(description: "\(path): line 1: not JSON") }
    var configuration = ModelConfiguration()
    if text == "all" { configuration.versionPolicy = .all } else { configuration.plugin = text }
    return configuration
  }

  func configuration(ofModel name: String, in folder: String, text: String) throws -> ModelConfiguration {
    var configuration = ModelConfiguration()
    configuration.plugin = text
    return configuration
  }

  /// Lines of a name and a folder.
  func models(listedIn path: String) throws -> [ListedModel] {
    let text = try String(contentsOfFile: path, encoding: .utf8)
    return text.split(separator: "\n").map { line in
      let parts = line.split(separator: " ").map(String.init)
      return ListedModel(name: parts[0], path: parts[1])
    }
  }
}

private func repository(_ path: String) -> ModelRepository {
  ModelRepository(roots: [path], reader: WordReader())
}

@Test func aListNamesModelsAndHidesFolders() throws {
  let folder = try Folder(["root/a/1/x": "", "root/b/1/x": "", "else/7/x": "", "list": ""])
  try folder.write("list", "a \(folder.path)/else\nc \(folder.path)/none\n")
  let listed = ModelRepository(
    roots: [folder.path + "/root"], lists: [folder.path + "/list"], reader: WordReader())
  let found = listed.scan()
  #expect(found.sources.map { "\($0.name) \($0.version)" } == ["a 7", "c 1", "b 1"])
  #expect(found.sources[1].fault?.contains("no version folder") == true)
  #expect(found.faults.contains { $0.contains("'a' in \(folder.path)/root is hidden") })
  try folder.write("list", "b \(folder.path)/else\n")
  #expect(listed.scan().sources.map(\.name) == ["b", "a"])
}

@Test(arguments: [
  ("model.onnx.part", true), (".model.onnx.Xy12ab", true), ("x.tmp", true), ("model.onnx", false),
  (".gitignore", false), (".hidden.a", false),
])
func aFileOfACopyInProgressIsTold(_ name: String, _ isPartial: Bool) throws {
  #expect(FileSystem.isPartial(name) == isPartial)
  let folder = try Folder(["a/1/weights": "x"])
  try folder.write("a/1/\(name)", "x")
  #expect((repository(folder.path).scan().sources.first?.partialFile != nil) == isPartial)
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
  let both = ModelRepository(roots: ["/no/such", folder.path], reader: WordReader()).scan()
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

@Test func aVersionsFolderMayBeginWithZeros() throws {
  let folder = try Folder([
    "half/00000123/x": "", "two/1/x": "", "two/01/x": "", "no/0/x": "", "no/+1/x": "", "no/1a/x": "",
  ])
  let found = repository(folder.path).scan().sources
  #expect(found.map { "\($0.name) \($0.version)" } == ["half 123", "no 1", "two 1"])
  #expect(found[0].path == folder.path + "/half/00000123")
  #expect(found[1].fault?.contains("no version folder") == true)
  #expect(found[2].path == folder.path + "/two/1")
}

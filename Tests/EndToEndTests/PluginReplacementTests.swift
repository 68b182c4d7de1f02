import Foundation
import TestSupport
import Testing

/// A plugin's library that is replaced while its models serve.
@Suite struct PluginReplacementTests {
  /// A library of the plugin `adder` that adds `number`; nil: one that cannot create a model.
  private func library(adding number: Int?, in folder: TemporaryFolder) throws -> String {
    var source = try String(
      contentsOfFile: Checkout.root + "/plugins/half_plus_two/half_plus_two.c", encoding: .utf8)
    source = source.replacingOccurrences(of: "from[i] / 2 + 2", with: "from[i] + \(number ?? 0)")
    if number == nil {
      source = source.replacingOccurrences(
        of: "*model = malloc(sizeof **model);",
        with:
          "snprintf(error->message, sizeof error->message, \"this one is broken\"); return SWERVE_INTERNAL;")
      source = "#include <stdio.h>\n" + source
    }
    let name = "adder-\(number ?? -1)"
    let file = try folder.write("\(name).c", source)
    let built = try Command([
      "cc", "-w", "-shared", "-fPIC", "-I", Checkout.root + "/Sources/CSwervePlugin/include", file, "-o",
      folder.path + "/\(name).built",
    ])
    try #require(built.status == 0, "\(built.error)")
    return folder.path + "/\(name).built"
  }

  /// Puts a library where the server looks, as an installation does: under another name first.
  private func install(_ library: String, as path: String) throws {
    let new = path + ".tmp"
    try? FileManager.default.removeItem(atPath: new)
    try FileManager.default.copyItem(atPath: library, toPath: new)
    #expect(rename(new, path) == 0)
  }

  /// Asks all the while, and keeps what is added to 1.
  private final class Asker: @unchecked Sendable {  // everything is behind the lock
    private let lock = NSLock()
    private var isOver = false
    private var added: [Double] = []
    private var faults: [String] = []
    private let group = DispatchGroup()

    init(port: Int, model: String, clients: Int) {
      for _ in 0..<clients {
        DispatchQueue.global().async(group: group) { self.run(port, model) }
      }
    }

    private func run(_ port: Int, _ model: String) {
      guard let client = try? HTTPClient(port: port, timeoutSeconds: 30) else { return }
      while !lock.withLock({ isOver }) {
        let answer = try? client.post("/v1/models/\(model):predict", #"{"inputs":[1.0]}"#)
        lock.withLock {
          if let value = (answer?.object["outputs"] as? [Double])?.first {
            added.append(value - 1)
          } else if faults.count < 10 {
            faults.append(answer.map { "\($0.status) \($0.text)" } ?? "no answer")
          }
        }
      }
    }

    var last: Double? { lock.withLock { added.last } }

    func stop() -> (added: [Double], faults: [String]) {
      lock.withLock { isOver = true }
      group.wait()
      return lock.withLock { (added, faults) }
    }
  }

  /// Replaces the library at `path` three times under load, once by one that does not load.
  private func replace(_ path: String, in folder: TemporaryFolder, server: ServerProcess) throws {
    let asker = Asker(port: server.port, model: "m", clients: 4)
    #expect(server.waits { asker.last == 1 })
    try install(library(adding: 2, in: folder), as: path)
    #expect(server.waits { asker.last == 2 }, "\(server.log)")
    try install(library(adding: nil, in: folder), as: path)
    #expect(server.waits { server.log.contains("this one is broken") })
    Thread.sleep(forTimeInterval: 0.3)
    #expect(asker.last == 2)
    try install(library(adding: 3, in: folder), as: path)
    #expect(server.waits { asker.last == 3 }, "\(server.log)")
    let (added, faults) = asker.stop()
    #expect(faults == [], "\(server.log.suffix(2000))")
    #expect(Set(added) == [1, 2, 3])
    #expect(try server.get("/readyz").status == 200)
  }

  @Test(arguments: ["in-process", "process"])
  func aPluginInAVersionFolderIsReplacedUnderLoad(_ isolation: String) throws {
    let folder = try TemporaryFolder()
    try folder.write("models/m/1/README.md", "adds")
    let path = folder.path + "/models/m/1/plugin.so"
    try install(library(adding: 1, in: folder), as: path)
    let server = try ServerProcess(
      models: [folder.path + "/models"], arguments: ["--poll-seconds", "0.1", "--isolation", isolation])
    try replace(path, in: folder, server: server)
  }

  @Test func aPluginThatModelsShareIsReplacedUnderLoad() throws {
    let folder = try TemporaryFolder()
    for model in ["m", "n"] {
      try folder.write("models/\(model)/1/README.md", "adds")
      try folder.write("models/\(model)/model.json", #"{"plugin": "adder"}"#)
    }
    try FileManager.default.createDirectory(
      atPath: folder.path + "/plugins", withIntermediateDirectories: true)
    let path = folder.path + "/plugins/adder.so"
    try install(library(adding: 1, in: folder), as: path)
    let server = try ServerProcess(
      models: [folder.path + "/models"],
      arguments: ["--plugins", folder.path + "/plugins", "--poll-seconds", "0.1"])
    try replace(path, in: folder, server: server)
    let other = try server.post("/v1/models/n:predict", #"{"inputs":[1.0]}"#)
    #expect(other.object["outputs"] as? [Double] == [4])
  }
}

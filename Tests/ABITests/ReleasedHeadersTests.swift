import Foundation
import PluginHost
import Tensors
import Testing

/// Plugins that were built with the headers of released versions, which `Headers` keeps, go on working.
@Suite struct ReleasedHeadersTests {
  static let headers = Toolchain.root + "/Tests/ABITests/Headers"
  static let versions: [String] = ((try? FileManager.default.contentsOfDirectory(atPath: headers)) ?? [])
    .sorted()

  @Test func everyReleaseIsKept() throws {
    let changelog = try String(contentsOfFile: Toolchain.root + "/docs/abi-changelog.md", encoding: .utf8)
    let released = changelog.split(separator: "\n").filter { $0.hasPrefix("## ") }
      .compactMap { $0.dropFirst(3).split(separator: " ").first.map(String.init) }
    #expect(!released.isEmpty)
    #expect(
      Set(released).isSubset(of: Set(Self.versions)), "\(released) in the changelog, \(Self.versions) kept")
  }

  @Test(arguments: versions)
  func aPluginOfThatVersionIsServed(_ version: String) throws {
    let folder = try TemporaryFolder()
    let library = try CPlugin().build(in: folder, include: "\(Self.headers)/\(version)")
    let model = try Plugin(path: library, services: HostServices()).makeModel(
      path: folder.path, configuration: "{}")
    let x = try #require(Tensor(name: "x", datatype: .fp32, shape: [3]))
    for index in 0..<3 { x.elements(as: Float.self)[index] = Float(index) }
    let recorder = Recorder()
    model.execute(
      inputs: [x],
      requests: [PluginRequest(id: "", parameters: "{}", deadline: 0, rows: 3, receiver: recorder)])
    let answer = try #require(recorder.wait())
    #expect(answer.status == .ok, "\(answer.message)")
    #expect(answer.outputs.first.map { Array($0.elements(as: Float.self)) } == [0, 2, 4])
  }
}

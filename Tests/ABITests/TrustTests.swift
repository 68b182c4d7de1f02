import Foundation
import PluginHost
import Testing

/// Which libraries are loaded at all.
@Suite struct TrustTests {
  let folder: TemporaryFolder
  let library: String

  init() throws {
    folder = try TemporaryFolder()
    library = try CPlugin().build(in: folder)
  }

  private func refusal(_ trust: PluginTrust) -> PluginError? {
    do throws(PluginError) {
      _ = try Plugin(path: library, services: HostServices(trust: trust))
      return nil
    } catch {
      return error
    }
  }

  private func sum() throws -> String {
    let list = try Toolchain.run("sha256sum", [library])
    return String(list.prefix(64))
  }

  @Test func whatEveryoneMayWriteIsRefused() throws {
    #expect(refusal(PluginTrust()) == nil)
    try #require(chmod(library, 0o646) == 0)
    let message = try #require(refusal(PluginTrust())).message
    #expect(message.contains(library) && message.contains("chmod o-w"), "\(message)")
    #expect(refusal(PluginTrust(allowsWritableByAll: true)) == nil)
  }

  @Test func aFolderThatEveryoneMayWriteIsRefusedButForASharedOneWithTheStickyBit() throws {
    try #require(chmod(folder.path, 0o777) == 0)
    let message = try #require(refusal(PluginTrust())).message
    #expect(message.contains("chmod o-w '\(folder.path)'"), "\(message)")
    #expect(refusal(PluginTrust(allowsWritableByAll: true)) == nil)
    try #require(chmod(folder.path, 0o1777) == 0)
    #expect(refusal(PluginTrust()) == nil)
  }

  @Test func onlyWhatIsListedIsLoaded() throws {
    let own = try sum()
    #expect(refusal(PluginTrust(checksums: [own])) == nil)
    let other = String(repeating: "0", count: 64)
    let message = try #require(refusal(PluginTrust(checksums: [other]))).message
    #expect(message.contains(library) && message.contains(own), "\(message)")
    #expect(refusal(PluginTrust(checksums: [])) != nil)
  }

  @Test func aListIsWhatSha256sumWrites() throws {
    let upper = try sum().uppercased()
    let list = "# ours\n\n\(upper)  some/where.so\n\(String(repeating: "a", count: 64)) *other.so\n"
    let sums = try PluginTrust.checksums(in: list)
    #expect(sums == [upper.lowercased(), String(repeating: "a", count: 64)])
    #expect(try PluginTrust.checksums(in: "").isEmpty)
  }

  @Test(arguments: ["abc  x.so", String(repeating: "g", count: 64), String(repeating: "a", count: 65)])
  func aLineThatIsNoSumIsNamed(_ line: String) {
    do throws(PluginTrust.ListError) {
      _ = try PluginTrust.checksums(in: "# first\n\(line)\n")
      Issue.record("it was taken")
    } catch {
      #expect(error.line == 2)
      #expect(error.message.contains("64 hexadecimal digits"))
    }
  }
}

import COpenAPI
import Glibc
import ModelFiles

/// Where this executable lies, and what belongs to it.
enum Installation {
  /// The running executable.
  static var executable: String {
    var path = [UInt8](repeating: 0, count: Int(PATH_MAX))
    let count = path.withUnsafeMutableBytes { buffer in
      readlink("/proc/self/exe", buffer.baseAddress!.assumingMemoryBound(to: CChar.self), buffer.count)
    }
    return String(decoding: path[..<max(0, count)], as: UTF8.self)
  }

  /// The folder of the running executable.
  static var executableFolder: String {
    let path = executable
    return path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
  }

  /// `extra` first, then `../lib/swerve/plugins` beside the executable's folder, then that folder
  /// itself, which is where a build leaves its plugins.
  static func pluginDirectories(extra: [String]) -> [String] {
    extra + [executableFolder + "/../lib/swerve/plugins", executableFolder]
  }

  /// The checkout that a build lies in; nil for an installed one.
  static var checkout: String? {
    ["", "/..", "/../..", "/../../..", "/../../../.."].map { executableFolder + $0 }
      .first { Files.exists($0 + "/Sources/CSwervePlugin/include") }.map(Files.absolute)
  }

  /// A header for plugins: from `../include/swerve` beside the executable's folder, or from the checkout.
  static func header(_ file: String) -> String? {
    Files.text(executableFolder + "/../include/swerve/" + file)
      ?? checkout.flatMap { Files.text($0 + "/Sources/CSwervePlugin/include/" + file) }
  }

  /// The text of openapi.yaml, which the executable holds.
  static var openAPI: String {
    String(
      decoding: UnsafeBufferPointer(start: openapi_text(), count: openapi_byte_count()), as: UTF8.self)
  }
}

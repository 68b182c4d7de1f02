import Glibc
import ModelFiles

/// Where this executable lies, and what belongs to it.
enum Installation {
  /// The folder of the running executable.
  static var executableFolder: String {
    var path = [UInt8](repeating: 0, count: Int(PATH_MAX))
    let count = path.withUnsafeMutableBytes { buffer in
      readlink("/proc/self/exe", buffer.baseAddress!.assumingMemoryBound(to: CChar.self), buffer.count)
    }
    guard count > 0 else { return "." }
    let text = String(decoding: path[..<count], as: UTF8.self)
    return text.lastIndex(of: "/").map { String(text[..<$0]) } ?? "."
  }

  /// `extra` first, then `../lib/swerve/plugins` beside the executable's folder, then that folder
  /// itself, which is where a build leaves its plugins.
  static func pluginDirectories(extra: [String]) -> [String] {
    extra + [executableFolder + "/../lib/swerve/plugins", executableFolder]
  }

  /// The text of openapi.yaml: from `../share/swerve` beside the executable's folder, or, for a build
  /// inside a checkout, from the checkout.
  static var openAPI: String? {
    for folder in ["/../share/swerve", "", "/..", "/../..", "/../../.."] {
      if let text = Files.text(executableFolder + folder + "/openapi.yaml") { return text }
    }
    return nil
  }
}

import Foundation

/// The ordinary compilers, as an outsider would call them.
enum Toolchain {
  struct Failure: Error, CustomStringConvertible { var description: String }

  static let root: String = {
    var path = URL(fileURLWithPath: #filePath)
    for _ in 0..<4 { path.deleteLastPathComponent() }
    return path.path
  }()

  static let include = root + "/Sources/CSwervePlugin/include"
  static let fixtures = root + "/Tests/ABITests/Fixtures"

  /// Runs a command; throws with its output if it fails.
  @discardableResult
  static func run(_ command: String, _ arguments: [String]) throws -> String {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = [command] + arguments
    let pipe = Pipe()
    process.standardOutput = pipe
    process.standardError = pipe
    try process.run()
    let output = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    guard process.terminationStatus == 0 else {
      throw Failure(description: "\(command) \(arguments.joined(separator: " ")):\n\(output)")
    }
    return output
  }

  /// Builds one C file with `cc` and nothing but the header.
  static func buildPlugin(
    _ source: String, in folder: TemporaryFolder, name: String = "plugin.so", include: String = include
  ) throws -> String {
    let library = folder.path + "/" + name
    try run("cc", ["-shared", "-fPIC", "-g", "-I", include, source, "-o", library, "-lpthread"])
    return library
  }
}

/// A folder that goes with the object.
final class TemporaryFolder {
  let path: String

  init() throws {
    var template = Array((NSTemporaryDirectory() + "/swerve-abi-XXXXXX").utf8CString)
    guard let made = mkdtemp(&template) else { throw Toolchain.Failure(description: "mkdtemp failed") }
    path = String(cString: made)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  func write(_ name: String, _ text: String) throws -> String {
    let file = path + "/" + name
    try Data(text.utf8).write(to: URL(fileURLWithPath: file))
    return file
  }
}

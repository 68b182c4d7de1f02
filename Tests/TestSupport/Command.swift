import Foundation

/// A command that ran to its end.
public struct Command {
  public let status: Int32
  public let output: String
  public let error: String

  /// Runs `arguments[0]`, found on PATH, with the rest.
  public init(
    _ arguments: [String], in folder: String = Checkout.root, environment: [String: String] = [:]
  ) throws {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = arguments
    process.currentDirectoryURL = URL(fileURLWithPath: folder)
    process.environment = ChildEnvironment.inherited.merging(environment) { $1 }
    let files = [FileManager.default, .default].map { _ in
      NSTemporaryDirectory() + "swerve-" + UUID().uuidString
    }
    for file in files { try Data().write(to: URL(fileURLWithPath: file)) }
    defer { for file in files { try? FileManager.default.removeItem(atPath: file) } }
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = FileHandle(forWritingAtPath: files[0])
    process.standardError = FileHandle(forWritingAtPath: files[1])
    try process.run()
    process.waitUntilExit()
    status = process.terminationStatus
    output = (try? String(contentsOfFile: files[0], encoding: .utf8)) ?? ""
    error = (try? String(contentsOfFile: files[1], encoding: .utf8)) ?? ""
  }
}

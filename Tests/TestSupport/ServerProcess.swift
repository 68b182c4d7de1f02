public import Foundation

/// A real `swerve serve` on a free port, stopped when it goes.
public final class ServerProcess {
  public let port: Int
  public let process: Process
  private let logPath: String

  public struct Failure: Error, CustomStringConvertible {
    public let description: String
  }

  /// Starts the server over `models`. Waits until it says that it is listening, and, unless
  /// `untilReady` is false, until it has tried to load every model.
  public init(
    models: [String], arguments: [String] = [], environment added: [String: String] = [:],
    untilReady: Bool = true
  ) throws {
    process = Process()
    process.executableURL = URL(fileURLWithPath: Checkout.products + "/swerve")
    process.arguments =
      ["serve", "--host", "127.0.0.1", "--port", "0"] + models.flatMap { ["--models", $0] } + arguments
    process.environment = ChildEnvironment.inherited.filter { !$0.key.hasPrefix("SWERVE_") }
      .merging(added) { $1 }
    process.currentDirectoryURL = URL(fileURLWithPath: Checkout.root)
    let output = Pipe()
    logPath = NSTemporaryDirectory() + "swerve-log-" + UUID().uuidString
    try Data().write(to: URL(fileURLWithPath: logPath))
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = output
    process.standardError = FileHandle(forWritingAtPath: logPath)
    try process.run()
    guard let line = ServerProcess.line(from: output), let port = ServerProcess.port(in: line) else {
      process.terminate()
      process.waitUntilExit()
      let log = (try? String(contentsOfFile: logPath, encoding: .utf8)) ?? ""
      throw Failure(description: "the server did not start: \(log)")
    }
    self.port = port
    if untilReady { _ = ServerProcess.line(from: output) }
    DispatchQueue.global().async { while !output.fileHandleForReading.availableData.isEmpty {} }
  }

  deinit {
    if process.isRunning {
      kill(process.processIdentifier, SIGKILL)
      process.waitUntilExit()
    }
    try? FileManager.default.removeItem(atPath: logPath)
  }

  public var log: String { (try? String(contentsOfFile: logPath, encoding: .utf8)) ?? "" }

  public func client(timeoutSeconds: Int = 30) throws -> HTTPClient {
    try HTTPClient(port: port, timeoutSeconds: timeoutSeconds)
  }

  public func get(_ path: String) throws -> HTTPResponse { try client().get(path) }

  public func post(_ path: String, _ body: String, headers: [(String, String)] = []) throws -> HTTPResponse {
    try client().post(path, body, headers: headers)
  }

  /// Asks again and again until `condition` holds; false after `seconds`.
  public func waits(seconds: Double = 10, until condition: () throws -> Bool) rethrows -> Bool {
    let end = Date() + seconds
    while Date() < end {
      if try condition() { return true }
      usleep(20_000)
    }
    return false
  }

  private static func line(from pipe: Pipe) -> String? {
    var line = Data()
    while let byte = try? pipe.fileHandleForReading.read(upToCount: 1), !byte.isEmpty {
      if byte[0] == UInt8(ascii: "\n") { return String(decoding: line, as: UTF8.self) }
      line += byte
    }
    return nil
  }

  /// The port in `… http://127.0.0.1:8080 …`, or with https.
  private static func port(in line: String) -> Int? {
    guard let start = line.range(of: "://127.0.0.1:") else { return nil }
    return Int(line[start.upperBound...].prefix { $0.isNumber })
  }
}

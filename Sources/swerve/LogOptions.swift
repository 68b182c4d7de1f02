import ArgumentParser
import Telemetry

/// What is logged, and how.
struct LogOptions: ParsableArguments {
  @Option(help: "The least level that is logged; SIGUSR1 lowers it while the server runs, SIGUSR2 raises it.")
  var logLevel = Log.Level.info

  @Option(help: "The form of log lines.")
  var logFormat = Log.Format.text

  @Flag(help: "Log every request with its status, sizes, phases, request id and trace.")
  var accessLog = false

  @Option(help: "Of --access-log, one request in so many; those that failed are all logged.")
  var accessLogSample = 1

  @Option(help: "Log requests that take longer, in seconds, with or without --access-log; 0: none.")
  var slowRequestSeconds = 0.0

  static let flagNames = ["access-log"]
  static let valueOptionNames = ["log-level", "log-format", "access-log-sample", "slow-request-seconds"]

  mutating func validate() throws {
    guard (1...1_000_000).contains(accessLogSample) else {
      throw ValidationError("--access-log-sample \(accessLogSample): expected 1 to 1000000")
    }
    guard (0...86_400).contains(slowRequestSeconds) else {
      throw ValidationError("--slow-request-seconds \(slowRequestSeconds): expected 0 to 86400")
    }
  }
}

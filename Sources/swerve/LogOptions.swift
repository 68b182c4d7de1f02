import ArgumentParser
import Glibc
import InferenceAPI
import ModelFiles
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

  @Option(
    help: """
      A file that traces of requests are written to, in Triton's format, once a client turns them on with POST \
      /v2/trace/setting; without it none can.
      """)
  var traceFile: String?

  @Option(help: "Bytes of traces that are written before tracing turns itself off.")
  var maxTraceBytes = 256 << 20

  static let flagNames = ["access-log"]
  static let valueOptionNames = [
    "log-level", "log-format", "access-log-sample", "slow-request-seconds", "trace-file", "max-trace-bytes",
  ]

  mutating func validate() throws {
    guard (1...1_000_000).contains(accessLogSample) else {
      throw ValidationError("--access-log-sample \(accessLogSample): expected 1 to 1000000")
    }
    guard maxTraceBytes > 0 else {
      throw ValidationError("--max-trace-bytes \(maxTraceBytes): expected above 0")
    }
    guard (0...86_400).contains(slowRequestSeconds) else {
      throw ValidationError("--slow-request-seconds \(slowRequestSeconds): expected 0 to 86400")
    }
  }

  /// Writes the traces that clients turn on. Refused here if it could not.
  func tracer(_ log: Log) throws -> Tracer {
    if let traceFile {
      let descriptor = open(traceFile, O_WRONLY | O_CREAT | O_CLOEXEC, 0o644)
      guard descriptor >= 0 else {
        throw Refusal("--trace-file \(traceFile): cannot be written: \(String(cString: strerror(errno)))")
      }
      close(descriptor)
    }
    return Tracer(path: traceFile.map(Files.absolute), byteLimit: maxTraceBytes, log: log)
  }
}

import ArgumentParser
import CMalloc
import Glibc
import ModelFiles
import Telemetry

/// Serves the models of one or more repositories until it is told to stop.
struct Serve: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Serves models over HTTP.",
    discussion: """
      Standard output gets a line when the server listens and one when every model has been tried; log lines go \
      to standard error. SIGTERM and SIGINT end it: readiness says no, running requests end, and a second signal \
      ends it at once. SIGHUP reads the files of --tls-… and --api-keys again.

      Each option has an environment variable: --log-level is SWERVE_LOG_LEVEL; lists are separated by ':'.
      """)

  @OptionGroup var options: ServeOptions

  func run() throws {
    let isDefault = options.models.isEmpty && options.repository.modelConfigFile.isEmpty
    let repositories = isDefault ? ["models"] : options.models
    for path in repositories where !Files.isDirectory(path) {
      throw Refusal("--models \(path): no such folder; give the folder that holds NAME/VERSION/… folders")
    }
    Standard.blockSignals()
    Serve.keepFreedMemory()
    try Server(options: options, repositories: repositories.map(Files.absolute)).run()
  }

  /// Has the C library keep what requests free, up to a limit for each thread, instead of giving it back to the
  /// kernel: taking it again costs a fault for every 4 KiB, which makes a large tensor twice as slow.
  private static func keepFreedMemory() {
    let keptBytes = Int32(min(32 << 20, ProcessLimits.current.memory / 64))
    mallopt(M_MMAP_THRESHOLD, keptBytes)
    mallopt(M_TRIM_THRESHOLD, keptBytes)
  }
}

public import ArgumentParser
public import PluginHost
import Serving
import Telemetry

/// Executes one model's plugin for a server that started it; of no use to anybody else.
struct WorkerProgram: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "worker", abstract: "Executes a plugin for the server that starts it.", shouldDisplay: false)

  @Argument(help: "The server's process id.")
  var parent: Int32

  func run() { PluginWorker.run(parent: parent) }
}

/// Where plugins are executed.
struct IsolationOptions: ParsableArguments {
  @Option(
    help: """
      Where plugins are executed whose model.json says nothing of it: in-process is the fastest; process gives each \
      model a worker, which a crash of the plugin ends instead of the server.
      """)
  var isolation = IsolationSettings.Mode.inProcess

  @Option(help: "Seconds that a worker may take for a batch before it is ended as hung.")
  var workerTimeoutSeconds = 60.0

  @Option(
    help: "Bytes of address space that a worker may take; by default half of the memory. 0: any number.")
  var workerMemoryBytes: Int?

  @Option(help: "Crashes of a worker in a row after which its model is quarantined.")
  var workerCrashes = 5

  @Option(help: "Seconds that a quarantine lasts.")
  var workerQuarantineSeconds = 60.0

  static let valueOptionNames = [
    "isolation", "worker-timeout-seconds", "worker-memory-bytes", "worker-crashes",
    "worker-quarantine-seconds",
  ]

  mutating func validate() throws {
    let day = 86_400.0
    try require(
      (0.001...day).contains(workerTimeoutSeconds), "--worker-timeout-seconds \(workerTimeoutSeconds)",
      "0.001 to 86400")
    try require(
      (0.001...day).contains(workerQuarantineSeconds),
      "--worker-quarantine-seconds \(workerQuarantineSeconds)", "0.001 to 86400")
    try require(workerMemoryBytes ?? 0 >= 0, "--worker-memory-bytes \(workerMemoryBytes ?? 0)", "0 or above")
    try require(workerCrashes > 0, "--worker-crashes \(workerCrashes)", "above 0")
  }

  private func require(_ holds: Bool, _ given: String, _ expected: String) throws {
    if !holds { throw ValidationError("\(given): expected \(expected)") }
  }

  func apply(to configuration: inout ServingConfiguration, cores: Int) {
    let memory = ProcessLimits.current.memory
    configuration.isolation.mode = isolation
    configuration.isolation.timeoutSeconds = workerTimeoutSeconds
    configuration.isolation.memoryBytes = workerMemoryBytes ?? memory / 2
    configuration.isolation.crashLimit = workerCrashes
    configuration.isolation.quarantineSeconds = workerQuarantineSeconds
    configuration.workerCommand = WorkerCommand(
      executable: "/proc/self/exe", arguments: ["worker"], environment: EnvironmentArguments.ofOthers(),
      arenaBytes: min(max(memory / 4, 64 << 20), 4 << 30), spinNanoseconds: cores > 1 ? 20_000 : 0,
      threadCount: cores - 1)
  }
}

extension IsolationSettings.Mode: ExpressibleByArgument {}

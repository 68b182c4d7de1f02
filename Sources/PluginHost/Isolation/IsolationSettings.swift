/// Where a model's plugin is executed, and within which limits if that is a process of its own.
public struct IsolationSettings: Sendable, Equatable {
  public enum Mode: String, Sendable, CaseIterable {
    /// In the server: the fastest. A plugin that crashes takes the server down.
    case inProcess = "in-process"
    /// In a worker, which a crash, a hang or too much memory ends instead of the server.
    case process
  }

  /// Nil: as the server's flags say; so are the other values that may be nil.
  public var mode: Mode?
  /// Seconds that a worker may take for a batch, or for the next part of a streamed answer, before it counts as hung.
  public var timeoutSeconds: Double?
  /// Bytes of address space that a worker may take beside the tensors it shares with the server; 0: any number.
  public var memoryBytes: Int?
  /// Crashes in a row, without an answer between them, after which the model is quarantined.
  public var crashLimit: Int?
  /// Seconds that a quarantine lasts.
  public var quarantineSeconds: Double?
  /// Files and folders that a worker may read, beside the model's and those of the system.
  public var readable: [String] = []
  /// Files and folders that a worker may read and write.
  public var writable: [String] = []
  /// Whether a worker may open sockets.
  public var allowsNetwork = false
  /// Whether a worker may start other programs.
  public var allowsProcesses = false

  public init() {}

  /// These settings, with those of `server` where they say nothing.
  public func filled(from server: IsolationSettings) -> IsolationSettings {
    var settings = self
    settings.mode = mode ?? server.mode
    settings.timeoutSeconds = timeoutSeconds ?? server.timeoutSeconds
    settings.memoryBytes = memoryBytes ?? server.memoryBytes
    settings.crashLimit = crashLimit ?? server.crashLimit
    settings.quarantineSeconds = quarantineSeconds ?? server.quarantineSeconds
    return settings
  }

  var timeout: Int64 { Int64((timeoutSeconds ?? 60) * 1e9) }
  var quarantine: Int64 { Int64((quarantineSeconds ?? 60) * 1e9) }
  var crashesInARow: Int { crashLimit ?? 5 }
}

/// How the server starts workers: programs that call `PluginWorker.run`.
public struct WorkerCommand: Sendable {
  public var executable: String
  /// What the executable is given before what a worker is told.
  public var arguments: [String]
  /// `NAME=value` strings.
  public var environment: [String]
  /// Bytes of tensors that one model may share with its worker, in each direction.
  public var arenaBytes: Int
  /// How long either side looks for the other's word before it sleeps, in nanoseconds; 0 where there is one CPU.
  public var spinNanoseconds: Int64
  /// Threads of threads/1 and kernels/1 in each worker, beside the one that calls.
  public var threadCount: Int

  public init(
    executable: String, arguments: [String], environment: [String] = [], arenaBytes: Int = 1 << 30,
    spinNanoseconds: Int64 = 20_000, threadCount: Int = 0
  ) {
    self.executable = executable
    self.arguments = arguments
    self.environment = environment
    self.arenaBytes = arenaBytes
    self.spinNanoseconds = spinNanoseconds
    self.threadCount = threadCount
  }
}

public import PluginHost
public import Telemetry

/// What of serving an operator may set.
public struct ServingConfiguration: Sendable {
  public enum Control: String, Sendable, CaseIterable {
    /// Folders are watched: what appears is loaded, what goes is unloaded.
    case poll
    /// Models are loaded and unloaded when a client asks for it, and only then.
    case explicit
    /// Everything is loaded at the start, and nothing after.
    case none
  }

  public var control = Control.poll
  /// What is loaded at the start where `control` is explicit; `*` stands for all.
  public var initialModels: [String] = []
  /// The models that must serve for the server to be ready; empty for all that are there at the start.
  public var requiredModels: [String] = []
  public var pollSeconds = 2.0
  /// Seconds that a client's load or unload may take before it is told that it goes on; 0: any time.
  public var loadSeconds = 600.0
  /// The folder that the files of uploaded models are written to.
  public var uploadFolder = "/tmp"
  /// Whether a model without a configured warm-up is executed once before its first request.
  public var warmsUp = true
  /// Bytes of models that may be loaded at once; 0: any number. Above it those that were not used for longest
  /// are unloaded, and loaded again when they are asked for.
  public var memoryBudget = 0
  /// What holds for models whose configuration says nothing of batching.
  public var batching: BatchingSettings?
  /// The batch size and the executions at once of models whose configuration says nothing of them.
  public var maximumBatch: Int?
  public var instances: Int?
  /// Threads that execute models.
  public var workerCount = 1
  /// What workers hold while they execute, if threads take turns.
  public var permits: ProcessorPermits?
  /// How long an idle worker looks for work before it sleeps, in nanoseconds; 0 where there is one CPU.
  public var workerSpinNanoseconds: Int64 = 20_000
  /// Requests that may wait for one model.
  public var queuedRequests = 4096
  /// Bytes of inputs that may wait for one model.
  public var queuedBytes = 1 << 30
  /// Seconds that a request may be expected to wait for its model; 0 for no limit.
  public var queuedSeconds = 30.0
  /// Bytes of inputs that the queued and running requests of all models may hold; 0 for no limit.
  public var requestBytes = 4 << 30
  /// Nanoseconds that an execution may take to be run on the event loop that has its request; 0: none is.
  public var inlineNanoseconds: Int64 = 20_000
  /// Where plugins are executed that their models' configurations say nothing of, and the limits of workers.
  public var isolation = IsolationSettings()
  /// How workers are started; nil: every plugin is executed in this process.
  public var workerCommand: WorkerCommand?

  public init() {}
}

extension ModelConfiguration {
  /// Takes what the server's configuration says where this one says nothing.
  mutating func take(_ server: ServingConfiguration) {
    batching = batching ?? server.batching
    maximumBatch = maximumBatch ?? server.maximumBatch
    instances = instances ?? server.instances
  }
}

internal import CSwervePlugin
internal import Glibc
public import Kernels
internal import Locks
public import Telemetry

/// What the host offers to every plugin: kernels, threads, memory, metrics, models, configuration, log. One for a process;
/// the plugins it loaded stay with it.
public final class HostServices: Sendable {
  /// A line of a plugin's, or about it. `model` is empty for what belongs to no model.
  public typealias LogSink =
    @Sendable (_ level: Log.Level, _ plugin: String, _ model: String, _ message: String) -> Void

  let log: LogSink
  /// Gets, beside the log, what a plugin does against the rules of the ABI.
  let faults: (@Sendable (_ message: String) -> Void)?
  let abortsOnMisuse: Bool
  let trust: PluginTrust
  /// Bytes that one output may have.
  let tensorLimit: Int
  let team: ThreadTeam
  let kernels: KernelsService
  let instructionSet: InstructionSet
  let memory: MemoryBudget
  let metrics: PluginMetrics?
  let libraries = PluginLibraries()
  let models = ModelRunnerReference()
  /// Executions of models that are gone.
  let spareExecutions = Lock<[BatchExecution]>([])
  private let spareBindings = Lock<[HostBinding]>([])
  private let serverWords: CNames

  var serverName: UnsafePointer<CChar>? { serverWords[0] }
  var serverVersion: UnsafePointer<CChar>? { serverWords[1] }

  /// - Parameters:
  ///   - serverVersion: told to plugins.
  ///   - metrics: where the numbers of plugins go; without it metrics/1 is not offered.
  ///   - threadPool: for threads/1 and kernels/1; without it they run on their caller's thread.
  ///   - instructionSet: the widest that kernels/1 uses; plugins are told.
  ///   - memoryLimit: bytes that all plugins together may take through memory/1.
  ///   - tensorLimit: bytes that one output of one batch may have.
  ///   - trust: which libraries are loaded.
  ///   - abortsOnMisuse: whether a plugin that breaks the rules of the ABI takes the process down, for
  ///     its author to see where, and is not just named in the log.
  ///   - log: gets the plugins' lines; the default drops them.
  ///   - faults: gets, beside the log, a sentence on each breach of those rules.
  public convenience init(
    serverVersion: String = "0", metrics: Metrics? = nil, threadPool: ThreadPool? = nil,
    instructionSet: InstructionSet = .detect(), memoryLimit: Int = .max, tensorLimit: Int = 4 << 30,
    trust: PluginTrust = PluginTrust(), abortsOnMisuse: Bool = false,
    log: @escaping LogSink = { _, _, _, _ in },
    faults: (@Sendable (_ message: String) -> Void)? = nil
  ) {
    self.init(
      serverVersion: serverVersion, metrics: metrics, threadPool: threadPool, instructionSet: instructionSet,
      memoryLimit: memoryLimit, tensorLimit: tensorLimit, trust: trust, abortsOnMisuse: abortsOnMisuse,
      metricRelay: nil, log: log, faults: faults)
  }

  /// - Parameter metricRelay: gets what plugins count, where the numbers are another process's.
  init(
    serverVersion: String, metrics: Metrics? = nil, threadPool: ThreadPool?,
    instructionSet: InstructionSet, memoryLimit: Int = .max, tensorLimit: Int,
    trust: PluginTrust = PluginTrust(), abortsOnMisuse: Bool = false,
    metricRelay: (@Sendable (Report) -> Void)?, log: @escaping LogSink,
    faults: (@Sendable (_ message: String) -> Void)?
  ) {
    self.log = log
    self.faults = faults
    self.abortsOnMisuse = abortsOnMisuse
    self.trust = trust
    self.tensorLimit = tensorLimit
    self.instructionSet = instructionSet
    kernels = KernelsService(instructionSet)
    team = threadPool.map { ThreadTeam($0) } ?? .single
    memory = MemoryBudget(limit: memoryLimit)
    self.metrics = metricRelay.map { PluginMetrics(relay: $0) } ?? metrics.map { PluginMetrics($0) }
    serverWords = CNames(["swerve", serverVersion])
  }

  /// Says who runs models for plugins. It is not kept.
  public func runModels(by runner: any ModelRunner) { models.set(runner) }

  /// Bytes that plugins hold through memory/1.
  public var pluginMemoryInUse: Int { memory.inUse }

  func takeBinding(plugin: String, model: String) -> HostBinding {
    let binding = spareBindings.withLock { $0.popLast() } ?? HostBinding.make(services: self)
    binding.label(plugin: plugin, model: model)
    return binding
  }

  func recycle(_ binding: HostBinding) { spareBindings.withLock { $0.append(binding) } }

  /// The service's table by its id.
  func table(of id: String) -> UnsafeRawPointer? {
    switch id {
    case SWERVE_KERNELS: UnsafeRawPointer(ServiceTables.shared.kernels[instructionSet])
    case SWERVE_THREADS: UnsafeRawPointer(ServiceTables.shared.threads)
    case SWERVE_MEMORY: UnsafeRawPointer(ServiceTables.shared.memory)
    case SWERVE_CONFIG: UnsafeRawPointer(ServiceTables.shared.config)
    case SWERVE_MODELS: UnsafeRawPointer(ServiceTables.shared.models)
    case SWERVE_METRICS: metrics == nil ? nil : UnsafeRawPointer(ServiceTables.shared.metrics)
    default: nil
    }
  }
}

/// The services' tables, made once.
///
/// Unchecked: the memory behind the pointers is written in init only and never freed.
struct ServiceTables: @unchecked Sendable {
  static let shared = ServiceTables()

  let kernels = Dictionary(
    uniqueKeysWithValues: InstructionSet.allCases.map { ($0, permanent(makeKernelsTable($0))) })
  let threads = permanent(makeThreadsTable())
  let memory = permanent(makeMemoryTable())
  let metrics = permanent(makeMetricsTable())
  let models = permanent(makeModelsTable())
  let config = permanent(makeConfigTable())

  private static func permanent<Table>(_ table: Table) -> UnsafePointer<Table> {
    let place = UnsafeMutablePointer<Table>.allocate(capacity: 1)
    place.initialize(to: table)
    return UnsafePointer(place)
  }
}

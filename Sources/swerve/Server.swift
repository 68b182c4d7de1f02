import CMalloc
import Glibc
import HTTP
import InferenceAPI
import Kernels
import ModelFiles
import PluginHost
import Serving
import Synchronization
import Telemetry

/// The objects of a running server, put together from its options.
final class Server: Sendable {
  private let options: ServeOptions
  private let log: Log
  private let models: ModelManager
  private let http: HTTPServer
  private let keys: KeyFile?
  private let signals = Atomic<Int>(0)

  init(options: ServeOptions, repositories: [String]) throws {
    self.options = options
    let limits = ProcessLimits.current
    let cores = limits.processors
    let permits = ProcessorPermits(limits)
    let budgets = Budgets(options, limits: limits)
    let log = Log(level: options.logging.logLevel, format: options.logging.logFormat)
    let metrics = Metrics()
    self.log = log
    for variable in EnvironmentArguments.unknown(EnvironmentArguments.current()) {
      log.write(
        .warning, "no setting has this environment variable; swerve serve --help lists the settings",
        [("variable", variable)])
    }
    MachineReport(limits: limits, budgets: budgets, options: options).publish(to: metrics, log)
    keys = try options.repository.apiKeys.map { try KeyFile(path: Files.absolute($0), log: log) }
    var serving = Server.serving(options, cores: cores, permits: permits, budgets: budgets)
    for note in try options.repository.apply(to: &serving) { log.write(.warning, "configuration: \(note)") }
    let plugins = PluginLocator(directories: Installation.pluginDirectories(extra: options.plugins))
    models = ModelManager(
      repository: ModelRepository(
        roots: repositories, lists: options.repository.modelConfigFile.map(Files.absolute),
        reader: ConfigurationFiles(), plugins: plugins),
      locator: plugins,
      configuration: serving,
      services: try Server.services(options, cores: cores, metrics: metrics, log: log), metrics: metrics,
      log: log,
      onFirstScan: { Server.announce($0) }, onUnloaded: { malloc_trim(0) })
    let accessLog = AccessLog(options.logging, log: log)
    let service = InferenceService(
      catalog: models, metrics: metrics, log: log, limits: options.limits.api,
      identity: ServerIdentity(name: options.serverName, version: Build.version, startedAt: Int64(time(nil))),
      openAPI: Installation.openAPI, repository: models,
      access: keys?.access ?? AccessControl(isLocal: options.isLocal),
      sharedMemory: options.sharedMemoryRegions, usesTritonStatusCodes: options.tritonStatusCodes,
      notesRequests: accessLog != nil, tracer: try options.logging.tracer(log),
      tellsTiming: options.serverTiming)
    service.tellMetrics(
      as: options.metricNames.split(separator: ",").compactMap { PeerNames(rawValue: String($0)) },
      in: metrics)
    http = HTTPServer(
      configuration: Server.http(options, cores: cores, permits: permits, budgets: budgets), handler: service,
      events: HTTPMetrics(metrics: metrics, log: log, accessLog: accessLog).events)
  }

  /// Serves until a signal ends it.
  func run() throws {
    http.onSignal([SIGTERM, SIGINT]) { [self] _ in signalled() }
    http.onSignal([SIGUSR1, SIGUSR2]) { [self] number in changeLogLevel(by: number == SIGUSR1 ? -1 : 1) }
    if getpid() == 1 { http.onSignal([SIGCHLD]) { _ in Children.reapOrphans() } }
    if options.tls != nil || keys != nil {
      http.onSignal([SIGHUP]) { [self] _ in
        http.reloadCertificates()
        keys?.reload()
      }
    }
    keys?.watch()
    do throws(HTTPServerError) { try http.start() } catch { throw Refusal("\(error)") }
    Standard.unblockSignals()
    let scheme = options.tls == nil ? "http" : "https"
    let addresses = http.addresses.map { "\($0)".hasPrefix("unix:") ? "\($0)" : "\(scheme)://\($0)" }
    Standard.output("swerve \(Build.version) listens on \(addresses.joined(separator: " and "))")
    models.start()
    http.join()
    models.stop()
    log.write(.info, "stopped")
  }

  /// The first signal drains and stops, the second ends the process at once.
  private func signalled() {
    guard signals.wrappingAdd(1, ordering: .relaxed).oldValue == 0 else { _exit(1) }
    log.write(
      .info, "stopping: readiness says no, running requests end",
      [("drain_seconds", "\(options.drainSeconds)"), ("grace_seconds", "\(options.graceSeconds)")])
    models.beginShutdown()
    http.beginDrain(closesIdle: options.drainSeconds == 0)
    Standard.startThread { [self] in
      Standard.sleep(seconds: options.drainSeconds)
      http.stop(grace: Int64(options.graceSeconds * Server.shareOfRequests * 1e9))
      Standard.sleep(seconds: options.graceSeconds)
      // A model that does not end by itself cannot be ended in any other way.
      log.write(.warning, "the grace is over and a model still runs; its requests were abandoned")
      _exit(0)
    }
  }

  /// - Parameter step: below 0 logs more.
  private func changeLogLevel(by step: Int) {
    guard let level = Log.Level(rawValue: log.level.rawValue + step) else { return }
    log.level = level
    log.writeAlways(.info, "log level", [("now", "\(level)")])
  }

  /// The part of the grace that requests get; the rest is for models to be unloaded.
  private static let shareOfRequests = 0.9

  private static func announce(_ models: [ServedModel]) {
    let ready = models.count { $0.state == .ready }
    Standard.output(
      "ready: \(ready) of \(models.count) models serve"
        + (ready < models.count ? "; /readyz says why not all" : ""))
  }

  // MARK: - Options to configurations

  private static func serving(
    _ options: ServeOptions, cores: Int, permits: ProcessorPermits?, budgets: Budgets
  ) -> ServingConfiguration {
    var configuration = ServingConfiguration()
    configuration.workerCount = options.workers > 0 ? options.workers : cores
    configuration.permits = permits
    if !mayWaitAwake(cores, permits) { configuration.workerSpinNanoseconds = 0 }
    configuration.inlineNanoseconds = Int64(options.inlineMicroseconds) * 1000
    configuration.queuedRequests = options.queueRequests
    configuration.queuedBytes = budgets.queueBytes
    configuration.queuedSeconds = options.queueWaitSeconds
    configuration.requestBytes = budgets.requestBytes
    options.isolation.apply(to: &configuration, cores: cores)
    return configuration
  }

  /// Whether a thread may look for work before it sleeps: on one processor it would keep others from making some,
  /// and under a quota that time is missing later.
  private static func mayWaitAwake(_ cores: Int, _ permits: ProcessorPermits?) -> Bool {
    cores > 1 && permits == nil
  }

  private static func services(_ options: ServeOptions, cores: Int, metrics: Metrics, log: Log) throws
    -> HostServices
  {
    try HostServices(
      serverVersion: Build.version, metrics: metrics, threadPool: ThreadPool(workerCount: cores - 1),
      instructionSet: .detect(limit: options.cpu),
      memoryLimit: options.pluginMemoryBytes > 0 ? options.pluginMemoryBytes : .max,
      trust: PluginTrust(options)
    ) { level, plugin, model, message in
      log.write(level, message, [("plugin", plugin), ("model", model)])
    }
  }

  private static func http(
    _ options: ServeOptions, cores: Int, permits: ProcessorPermits?, budgets: Budgets
  ) -> ServerConfiguration {
    var listeners = [ListenAddress.tcp(host: options.host, port: options.port)]
    if let path = options.unixSocket { listeners.append(.unix(path: path)) }
    var configuration = ServerConfiguration(listeners: listeners)
    configuration.tls = options.tls
    configuration.loopCount = options.loops > 0 ? options.loops : cores
    configuration.permits = permits
    if mayWaitAwake(cores, permits) {
      configuration.busyPollTime = Int64(options.busyPollMicroseconds) * 1000
    }
    configuration.headBytes = options.maxHeaderBytes
    configuration.bodyBytes = budgets.bodyBytes
    configuration.connections = options.maxConnections
    configuration.connectionsPerAddress =
      options.maxConnectionsPerAddress > 0 ? options.maxConnectionsPerAddress : nil
    configuration.compressMinBytes = options.compressMinBytes > 0 ? options.compressMinBytes : nil
    configuration.corsOrigins = options.corsOriginList
    configuration.headTime = Int64(options.headerSeconds * 1e9)
    configuration.idleTime = Int64(options.idleSeconds * 1e9)
    options.limits.apply(to: &configuration)
    configuration.bodyBytesInAll = budgets.bodyBytesInAll
    configuration.keptBytesPerLoop = budgets.keptBytes / max(1, configuration.loopCount)
    return configuration
  }
}

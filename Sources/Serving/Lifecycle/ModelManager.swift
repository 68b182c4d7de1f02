import Glibc
import Locks
public import PluginHost
import Synchronization
public import Telemetry

/// All models: what is on disk, what is served, what failed and why.
///
/// One thread of its own scans, loads and unloads; the rest of the server asks and submits.
public final class ModelManager: Sendable {
  struct State {
    var directory = ModelDirectory()
    var hasScanned = false
    var repositoryFaults: [String] = []
    /// The models of the first look, once each has been tried.
    var initialNames: Set<String>?
    var retiring: [ServedModel] = []
    /// Fingerprints seen by the scan before this one, to tell a folder that is still being copied.
    var seen: [String: UInt64] = [:]
    /// Fingerprints of versions that failed to load while an older load of them goes on serving.
    var refused: [String: UInt64] = [:]
    /// Names of all models in the repositories at the last look.
    var names: [String] = []
    /// Versions that are served no more or never were, and why, by model.
    var past: [String: [Int: String]] = [:]
    /// Commands to be carried out, and those that are.
    var commands: [ModelCommand] = []
    var isShuttingDown = false
    var isStopping = false
    var threads: [pthread_t] = []
  }

  let repository: ModelRepository
  let locator: PluginLocator
  let configuration: ServingConfiguration
  let services: HostServices
  let log: Log
  let clock: MonotonicClock
  let state = Lock(State())
  let watcher: RepositoryWatcher
  let metrics: Metrics
  let pool: WorkerPool
  /// Which models run which others.
  let calls = CallGraph()
  private let budget: ByteBudget
  private let changes = Atomic<UInt64>(0)
  private let onFirstScan: @Sendable ([ServedModel]) -> Void
  let onUnloaded: @Sendable () -> Void

  /// - Parameter onUnloaded: called when the memory of a model has been given up.
  public init(
    repository: ModelRepository, locator: PluginLocator, configuration: ServingConfiguration,
    services: HostServices,
    metrics: Metrics, log: Log, clock: MonotonicClock = .system,
    onFirstScan: @escaping @Sendable ([ServedModel]) -> Void = { _ in },
    onUnloaded: @escaping @Sendable () -> Void = {}
  ) {
    self.repository = repository
    self.locator = locator
    self.configuration = configuration
    self.services = services
    self.metrics = metrics
    self.log = log
    self.clock = clock
    self.onFirstScan = onFirstScan
    budget = ByteBudget(limit: configuration.requestBytes > 0 ? configuration.requestBytes : .max)
    self.onUnloaded = onUnloaded
    watcher = RepositoryWatcher(watchesFolders: configuration.control == .poll)
    pool = WorkerPool(
      workerCount: configuration.workerCount, spinNanoseconds: configuration.workerSpinNanoseconds,
      permits: configuration.permits)
    services.runModels(by: self)
    metrics.collect { [weak self] samples in self?.collect(into: &samples) }
  }

  /// Begins to load, on the manager's own thread.
  public func start() {
    var threads = [Threads.start { [self] in run() }]
    if configuration.loadSeconds > 0 { threads.append(Threads.start { [self] in endLateCommands() }) }
    let started = threads
    state.withLock { $0.threads = started }
  }

  /// Readiness says no from here on; everything is still served.
  public func beginShutdown() { state.withLock { $0.isShuttingDown = true } }

  /// Unloads everything and waits for it.
  public func stop() {
    let threads = state.withLock { state in
      state.isStopping = true
      return state.threads
    }
    watcher.wake()
    for thread in threads { pthread_join(thread, nil) }
    pool.stop()
  }

  // MARK: - Questions, from any thread

  /// A number that changes whenever a model becomes ready, fails, comes or goes: what `find` answered before may
  /// be another model now. Takes no lock.
  public var generation: UInt64 { changes.load(ordering: .acquiring) }

  func somethingChanged() { changes.wrappingAdd(1, ordering: .releasing) }

  /// The model, whatever its state. Without a version, or with 0: its default version if that serves, else the
  /// newest that does, else the newest.
  public func find(_ name: String, version: Int? = nil) throws(ServingError) -> ServedModel {
    let versions = versions(of: name)
    guard !versions.isEmpty else { throw unknown(name) }
    if let version, version != 0 {
      guard let model = versions.first(where: { $0.version == version }) else {
        throw ServingError(
          .unknownVersion, "Request for unknown model: '\(name)' version \(version) is not found")
      }
      return model
    }
    if let preferred = versions[0].source.configuration.defaultVersion,
      let model = versions.first(where: { $0.version == preferred }), model.serves
    {
      return model
    }
    return versions.first { $0.serves } ?? versions[0]
  }

  /// The version of `name` that has this label; nil if none has.
  public func version(of name: String, label: String) -> Int? {
    versions(of: name).first?.source.configuration.versionLabels[label]
  }

  private func unknown(_ name: String) -> ServingError {
    let isUnloaded = state.withLock { $0.past[name] != nil }
    return ServingError(
      .unknownModel,
      "Request for unknown model: '\(name)' " + (isUnloaded ? "has no available versions" : "is not found"))
  }

  /// Every version known of `name`, newest first; empty if the name is unknown.
  public func versions(of name: String) -> [ServedModel] {
    state.withLock { $0.directory.versions[name] ?? [] }
  }

  /// Every version of every model, by name, newest first.
  public var models: [ServedModel] { state.withLock { $0.directory.all } }

  /// Empty when all is ready to serve; else a sentence for each thing that is not, and why.
  public var unreadyReasons: [String] {
    let (isShuttingDown, hasScanned, faults, models, initial) = state.withLock {
      ($0.isShuttingDown, $0.hasScanned, $0.repositoryFaults, $0.directory.all, $0.initialNames)
    }
    guard !isShuttingDown else { return ["the server is stopping"] }
    guard hasScanned else { return ["the model repository has not been read yet"] }
    return faults + Readiness(required: configuration.requiredModels, initial: initial).reasons(models)
  }

  // MARK: - The manager's thread

  private func run() {
    var rhythm = LookRhythm(configuration, now: clock.now())
    var isFirst = true
    while !state.withLock({ $0.isStopping }) {
      carryOutCommands()
      if isFirst || rhythm.isDue(at: clock.now()) {
        let isSettled = look(isFirst: isFirst)
        if isFirst { triedAll() }
        isFirst = false
        rhythm.looked(at: clock.now(), isSettled: isSettled, isWatched: watcher.isComplete)
      }
      retire()
      if letsModelsSleep { noteUses() }
      let hasMore = state.withLock { !$0.commands.allSatisfy(\.isBegun) }
      let wait = hasMore ? 0 : rhythm.milliseconds(at: clock.now(), isRetiring: isRetiring)
      if watcher.wait(milliseconds: wait) { rhythm.noticedChange(at: clock.now()) }
    }
    shutDown()
  }

  private func triedAll() {
    let models = models
    state.withLock { $0.initialNames = Set(models.map(\.name)) }
    onFirstScan(models)
  }

  /// Looks at the repositories, as far as the mode asks for it. True: nothing is waiting to be seen again.
  private func look(isFirst: Bool) -> Bool {
    switch configuration.control {
    case .poll: return reconcile(isFirst: isFirst)
    case .none: return isFirst ? reconcile(isFirst: true) : true
    case .explicit:
      let names = repository.modelNames()
      state.withLock { $0.names = names }
      if isFirst { loadInitialModels(names) }
      return true
    }
  }

  func makeModel(_ source: ModelSource) -> ServedModel {
    var source = source
    source.configuration.take(configuration)
    return ServedModel(
      source: source, pool: pool,
      limits: ServingLimits(
        queuedRequests: configuration.queuedRequests, queuedBytes: configuration.queuedBytes,
        queuedNanoseconds: Int64(configuration.queuedSeconds * 1e9), budget: budget,
        inlineNanoseconds: configuration.inlineNanoseconds),
      metrics: metrics, clock: clock)
  }

  private var isRetiring: Bool { state.withLock { !$0.retiring.isEmpty } }

  /// Destroys models that nothing uses any more.
  func retire() {
    let leaving = state.withLock { $0.retiring }
    guard !leaving.isEmpty else { return }
    let left = leaving.filter { !$0.finishUnload() }
    state.withLock { $0.retiring = left }
    if left.count < leaving.count { onUnloaded() }
  }

  private func shutDown() {
    let (all, commands) = state.withLock { state in
      defer {
        state.directory = ModelDirectory()
        state.retiring = []
        state.commands = []
      }
      return (state.directory.all + state.retiring, state.commands)
    }
    for command in commands {
      command.finish(ServingError(.shuttingDown, "the server is stopping"))
    }
    somethingChanged()
    for model in all { model.beginUnload(refusesWaiting: true) }
    let end = clock.now() + 5_000_000_000
    var left = all
    while !left.isEmpty && clock.now() < end {
      left = left.filter { !$0.finishUnload() }
      if !left.isEmpty { usleep(5_000) }
    }
  }
}

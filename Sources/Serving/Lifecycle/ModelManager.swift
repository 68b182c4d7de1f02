import Glibc
import Locks
public import PluginHost
import Synchronization
public import Telemetry

/// What of serving an operator may set.
public struct ServingConfiguration: Sendable {
  public enum Control: String, Sendable, CaseIterable {
    /// Folders are watched: what appears is loaded, what goes is unloaded.
    case poll
    /// Everything is loaded at the start, and nothing after.
    case none
  }

  public var control = Control.poll
  public var pollSeconds = 2.0
  /// Threads that execute models.
  public var workerCount = 1
  /// How long an idle worker looks for work before it sleeps, in nanoseconds; 0 where there is one CPU.
  public var workerSpinNanoseconds: Int64 = 20_000
  /// Requests that may wait for one model.
  public var queuedRequests = 4096
  /// Bytes of inputs that may wait for one model.
  public var queuedBytes = 1 << 30
  /// Nanoseconds that an execution may take to be run on the event loop that has its request; 0: none is.
  public var inlineNanoseconds: Int64 = 20_000

  public init() {}
}

/// All models: what is on disk, what is served, what failed and why.
///
/// One thread of its own scans, loads and unloads; the rest of the server asks and submits.
public final class ModelManager: Sendable {
  private struct State {
    var directory = ModelDirectory()
    var hasScanned = false
    var repositoryFaults: [String] = []
    var retiring: [ServedModel] = []
    /// Fingerprints seen by the scan before this one, to tell a folder that is still being copied.
    var seen: [String: UInt64] = [:]
    /// Fingerprints of versions that failed to load while an older load of them goes on serving.
    var refused: [String: UInt64] = [:]
    var isShuttingDown = false
    var isStopping = false
    var thread: pthread_t?
  }

  private let repository: ModelRepository
  private let locator: PluginLocator
  private let configuration: ServingConfiguration
  private let services: HostServices
  private let metrics: Metrics
  private let log: Log
  private let clock: MonotonicClock
  private let pool: WorkerPool
  private let state = Lock(State())
  private let changes = Atomic<UInt64>(0)
  private let onFirstScan: @Sendable ([ServedModel]) -> Void

  public init(
    repository: ModelRepository, locator: PluginLocator, configuration: ServingConfiguration,
    services: HostServices,
    metrics: Metrics, log: Log, clock: MonotonicClock = .system,
    onFirstScan: @escaping @Sendable ([ServedModel]) -> Void = { _ in }
  ) {
    self.repository = repository
    self.locator = locator
    self.configuration = configuration
    self.services = services
    self.metrics = metrics
    self.log = log
    self.clock = clock
    self.onFirstScan = onFirstScan
    pool = WorkerPool(
      workerCount: configuration.workerCount, spinNanoseconds: configuration.workerSpinNanoseconds)
  }

  /// Begins to load, on the manager's own thread.
  public func start() {
    let thread = Threads.start { [self] in run() }
    state.withLock { $0.thread = thread }
  }

  /// Readiness says no from here on; everything is still served.
  public func beginShutdown() { state.withLock { $0.isShuttingDown = true } }

  /// Unloads everything and waits for it.
  public func stop() {
    let thread = state.withLock { state in
      state.isStopping = true
      return state.thread
    }
    if let thread { pthread_join(thread, nil) }
    pool.stop()
  }

  // MARK: - Questions, from any thread

  /// A number that changes whenever a model becomes ready, fails, comes or goes: what `find` answered before may
  /// be another model now. Takes no lock.
  public var generation: UInt64 { changes.load(ordering: .acquiring) }

  private func somethingChanged() { changes.wrappingAdd(1, ordering: .releasing) }

  /// The model, whatever its state. Without a version, or with 0: the newest that is ready, else the
  /// newest.
  public func find(_ name: String, version: Int? = nil) throws(ServingError) -> ServedModel {
    let versions = versions(of: name)
    guard !versions.isEmpty else {
      throw ServingError(.unknownModel, "Request for unknown model: '\(name)' is not found")
    }
    if let version, version != 0 {
      guard let model = versions.first(where: { $0.version == version }) else {
        throw ServingError(
          .unknownVersion, "Request for unknown model: '\(name)' version \(version) is not found")
      }
      return model
    }
    return versions.first { $0.isReady } ?? versions[0]
  }

  /// Every version known of `name`, newest first; empty if the name is unknown.
  public func versions(of name: String) -> [ServedModel] {
    state.withLock { $0.directory.versions[name] ?? [] }
  }

  /// Every version of every model, by name, newest first.
  public var models: [ServedModel] { state.withLock { $0.directory.all } }

  /// Empty when all is ready to serve; else a sentence for each thing that is not, and why.
  public var unreadyReasons: [String] {
    let (hasScanned, faults, models) = state.withLock {
      ($0.hasScanned, $0.repositoryFaults, $0.directory.all)
    }
    guard hasScanned else { return ["the model repository has not been read yet"] }
    return faults + models.compactMap(ModelManager.unreadyReason)
  }

  private static func unreadyReason(_ model: ServedModel) -> String? {
    let subject = "model '\(model.name)' version \(model.version)"
    switch model.state {
    case .ready, .unloading, .unloaded: return nil
    case .loading: return "\(subject) is loading"
    case .failed(let reason): return "\(subject) failed to load: \(reason)"
    }
  }

  // MARK: - The manager's thread

  private func run() {
    var nextScan = clock.now()
    var isFirst = true
    while !state.withLock({ $0.isStopping }) {
      if isFirst || (configuration.control == .poll && clock.now() >= nextScan) {
        reconcile(isFirst: isFirst)
        if isFirst { onFirstScan(models) }
        isFirst = false
        nextScan = clock.now() + Int64(configuration.pollSeconds * 1e9)
      }
      retire()
      usleep(20_000)
    }
    shutDown()
  }

  /// Brings what is served in line with what is on disk.
  private func reconcile(isFirst: Bool) {
    let snapshot = repository.scan()
    let known = models.map {
      LifecyclePolicy.Known(
        name: $0.name, version: $0.version, fingerprint: $0.source.fingerprint, isReady: $0.isReady)
    }
    let actions = LifecyclePolicy.actions(wanted: snapshot.sources, known: known)
    let loads = actions.compactMap { action -> ModelSource? in
      guard case .load(let source) = action else { return nil }
      return isFirst || isWorthLoading(source) ? source : nil
    }
    let arrivals = loads.map(makeModel)
    reportFaults(snapshot.faults)
    state.withLock { state in
      state.seen = Dictionary(snapshot.sources.map { ($0.path, $0.fingerprint) }, uniquingKeysWith: { $1 })
      for model in arrivals where !state.directory.holds(model.name, model.version) {
        state.directory.put(model)
      }
      state.hasScanned = true
    }
    somethingChanged()
    for model in arrivals {
      if state.withLock({ $0.isStopping }) { return }
      load(model)
    }
    unload(wanted: snapshot.sources)
  }

  /// A folder that changed is loaded once two scans in a row see it the same: not half-copied.
  /// What was refused is not tried again until it changes.
  private func isWorthLoading(_ source: ModelSource) -> Bool {
    state.withLock {
      $0.seen[source.path] == source.fingerprint && $0.refused[source.path] != source.fingerprint
    }
  }

  private func reportFaults(_ faults: [String]) {
    let news = state.withLock { state in
      defer { state.repositoryFaults = faults }
      return faults.filter { !state.repositoryFaults.contains($0) }
    }
    for fault in news { log.write(.warning, fault) }
  }

  private func makeModel(_ source: ModelSource) -> ServedModel {
    ServedModel(
      source: source, pool: pool,
      limits: ServingLimits(
        queue: RequestQueue.Limits(requests: configuration.queuedRequests, bytes: configuration.queuedBytes),
        inlineNanoseconds: configuration.inlineNanoseconds),
      metrics: metrics, clock: clock)
  }

  private func load(_ model: ServedModel) {
    let fields = [("model", model.name), ("version", String(model.version))]
    let start = clock.now()
    do {
      let loaded = try ModelLoader.load(model.source, locator: locator, services: services).model
      let limit = configuration.workerCount
      model.becomeReady(loaded, turnLimit: min(limit, model.source.configuration.instances ?? limit))
      let milliseconds = (clock.now() - start) / 1_000_000
      log.write(.info, "model is ready", fields + [("milliseconds", String(milliseconds))])
    } catch {
      model.fail(error.message)
      log.write(.error, "model was refused: \(error.message)", fields)
    }
    publish(model)
  }

  /// Puts `model` in the place of an older load of the same version. When it failed, a version that
  /// serves goes on serving.
  private func publish(_ model: ServedModel) {
    let replaced: ServedModel? = state.withLock { state in
      guard let old = state.directory.find(model.name, model.version), old !== model else { return nil }
      if !model.isReady && old.isReady {
        state.refused[model.source.path] = model.source.fingerprint
        return nil
      }
      state.directory.put(model)
      state.retiring.append(old)
      return old
    }
    somethingChanged()
    replaced?.beginUnload()
  }

  private func unload(wanted: [ModelSource]) {
    let known = models.map {
      LifecyclePolicy.Known(
        name: $0.name, version: $0.version, fingerprint: $0.source.fingerprint, isReady: $0.isReady)
    }
    for case .unload(let name, let version) in LifecyclePolicy.actions(wanted: wanted, known: known) {
      let gone = state.withLock { $0.directory.remove(name, version) }
      guard let gone else { continue }
      somethingChanged()
      gone.beginUnload()
      state.withLock { $0.retiring.append(gone) }
      log.write(.info, "model is unloading", [("model", name), ("version", String(version))])
    }
  }

  private func retire() {
    let leaving = state.withLock { $0.retiring }
    guard !leaving.isEmpty else { return }
    let left = leaving.filter { !$0.finishUnload() }
    state.withLock { $0.retiring = left }
  }

  private func shutDown() {
    let all = state.withLock { state in
      defer {
        state.directory = ModelDirectory()
        state.retiring = []
      }
      return state.directory.all + state.retiring
    }
    somethingChanged()
    for model in all { model.beginUnload() }
    let end = clock.now() + 5_000_000_000
    var left = all
    while !left.isEmpty && clock.now() < end {
      left = left.filter { !$0.finishUnload() }
      if !left.isEmpty { usleep(5_000) }
    }
  }
}

/// What every model is served within.
struct ServingLimits: Sendable {
  var queue: RequestQueue.Limits
  /// See `ServingConfiguration.inlineNanoseconds`.
  var inlineNanoseconds: Int64
}

/// The models by name, newest version first.
struct ModelDirectory {
  private(set) var versions: [String: [ServedModel]] = [:]

  var all: [ServedModel] { versions.keys.sorted().flatMap { versions[$0] ?? [] } }

  func find(_ name: String, _ version: Int) -> ServedModel? {
    versions[name]?.first { $0.version == version }
  }

  func holds(_ name: String, _ version: Int) -> Bool { find(name, version) != nil }

  /// Adds `model`, in place of one of the same name and version.
  mutating func put(_ model: ServedModel) {
    var list = versions[model.name] ?? []
    list.removeAll { $0.version == model.version }
    list.append(model)
    list.sort { $0.version > $1.version }
    versions[model.name] = list
  }

  mutating func remove(_ name: String, _ version: Int) -> ServedModel? {
    let gone = find(name, version)
    versions[name]?.removeAll { $0.version == version }
    if versions[name]?.isEmpty == true { versions[name] = nil }
    return gone
  }
}

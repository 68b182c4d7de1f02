import Glibc
import Locks
import PluginHost
import Telemetry

/// Models that are loaded and unloaded because somebody asks for it.
extension ModelManager {
  /// Commands that may wait; each may hold the files of a model.
  static let maximumCommands = 4096

  // MARK: - Orders, from any thread

  /// Has the model `name` loaded, or loaded again where it changed. `done` is called when it serves, or with the
  /// reason why not, from any thread. What served before goes on until then, and after a failure.
  ///
  /// - Parameter upload: reads what the client sent along, on the manager's thread, and not after `done`.
  public func load(
    _ name: String, upload: @escaping ModelUpload.Reader,
    done: @escaping @Sendable (ServingError?) -> Void
  ) {
    do throws(ServingError) { try checkControl() } catch { return done(error) }
    order(.load(upload), of: name, done)
  }

  /// Has every version of `name` unloaded; `done` is called when that is done, from any thread.
  public func unload(_ name: String, done: @escaping @Sendable (ServingError?) -> Void) {
    do throws(ServingError) { try checkControl() } catch { return done(error) }
    order(.unload, of: name, done)
  }

  private func checkControl() throws(ServingError) {
    guard configuration.control != .explicit else { return }
    throw ServingError(
      .notReady,
      "explicit model load / unload is not allowed if polling is enabled; start the server with "
        + "--model-control explicit (it is \(configuration.control.rawValue))")
  }

  func order(_ order: ModelOrder, of name: String, _ done: @escaping @Sendable (ServingError?) -> Void) {
    let limit = Int64(configuration.loadSeconds * 1e9)
    let command = ModelCommand(
      order, of: name, deadline: limit > 0 ? clock.now() + limit : 0, done: done)
    let refusal: ServingError? = state.withLock { state in
      if state.isStopping { return ServingError(.shuttingDown, "the server is stopping") }
      guard state.commands.count < ModelManager.maximumCommands else {
        return ServingError(.queueFull, "\(state.commands.count) loads and unloads wait; try again later")
      }
      state.commands.append(command)
      return nil
    }
    if let refusal { return done(refusal) }
    watcher.wake()
  }

  /// What the repositories hold and what of it is served.
  public var index: [IndexEntry] {
    let (models, retiring, names, past) = state.withLock {
      ($0.directory.all, $0.retiring, $0.names, $0.past)
    }
    var entries = models.map { model in
      switch model.state {
      case .ready: IndexEntry(name: model.name, version: model.version, state: .ready)
      case .loading: IndexEntry(name: model.name, version: model.version, state: .loading)
      case .unloading: IndexEntry(name: model.name, version: model.version, state: .unloading)
      case .unloaded:
        IndexEntry(
          name: model.name, version: model.version, state: .unavailable, reason: "loaded when it is asked for"
        )
      case .failed(let reason):
        IndexEntry(name: model.name, version: model.version, state: .unavailable, reason: reason)
      }
    }
    var listed = Set(models.map { "\($0.name)/\($0.version)" })
    for model in retiring where listed.insert("\(model.name)/\(model.version)").inserted {
      entries.append(IndexEntry(name: model.name, version: model.version, state: .unloading))
    }
    for (name, versions) in past {
      for (version, reason) in versions where listed.insert("\(name)/\(version)").inserted {
        entries.append(IndexEntry(name: name, version: version, state: .unavailable, reason: reason))
      }
    }
    let seen = Set(entries.map(\.name))
    entries += names.filter { !seen.contains($0) }.map { IndexEntry(name: $0) }
    return entries.sorted { ($0.name, $0.version ?? 0) < ($1.name, $1.version ?? 0) }
  }

  // MARK: - On the manager's thread

  func carryOutCommands() {
    while let command = nextCommand() {
      let error: ServingError? = command.begin() ? carryOut(command) : nil
      state.withLock { state in state.commands.removeAll { $0 === command } }
      command.finish(error)
    }
  }

  private func nextCommand() -> ModelCommand? {
    state.withLock { state in state.isStopping ? nil : state.commands.first { !$0.isBegun } }
  }

  private func carryOut(_ command: ModelCommand) -> ServingError? {
    switch command.order {
    case .load(let read):
      let upload: ModelUpload
      do throws(ServingError) {
        defer { command.hasRead() }
        upload = try read()
      } catch {
        return error
      }
      return load(command.name, upload)
    case .unload:
      command.hasRead()
      return unloadAll(of: command.name)
    case .awaken(let version):
      command.hasRead()
      return awaken(command.name, version)
    }
  }

  /// A thread of its own, since the manager's may be busy with what takes so long.
  func endLateCommands() {
    while !state.withLock({ $0.isStopping }) {
      usleep(100_000)
      let now = clock.now()
      let late = state.withLock { state in
        state.commands.filter { $0.deadline > 0 && $0.deadline <= now }
      }
      for command in late {
        command.finishLate(
          ServingError(
            .deadlineExceeded,
            "model '\(command.name)': not done within \(configuration.loadSeconds) s (--load-seconds); it goes on, "
              + "and POST /v2/repository/index tells how it ends"))
      }
    }
  }

  func loadInitialModels(_ names: [String]) {
    let wanted = configuration.initialModels.contains("*") ? names : configuration.initialModels
    var faults: [String] = []
    for name in wanted {
      if state.withLock({ $0.isStopping }) { return }
      if let error = load(name, ModelUpload()) { faults.append(error.message) }
    }
    let missing = faults
    state.withLock { state in
      state.repositoryFaults = missing
      state.hasScanned = true
    }
    somethingChanged()
  }

  /// The versions that are to be served of a model that a client asks for.
  private func sources(_ name: String, _ upload: ModelUpload) throws(ServingError) -> [ModelSource] {
    guard upload.configuration != nil || upload.files.isEmpty else {
      throw ServingError(
        .invalidArgument,
        "failed to load '\(name)': 'file:' parameters need a 'config' parameter beside them")
    }
    let uploaded =
      upload.files.isEmpty ? nil : try UploadedModel(files: upload.files, in: configuration.uploadFolder)
    let found =
      if let text = upload.configuration {
        repository.sources(of: name, configuration: text, upload: uploaded)
      } else {
        repository.sources(of: name)
      }
    guard let found else {
      throw ServingError(
        .unknownModel,
        "failed to load '\(name)', failed to poll from model repository: no folder of that name is in "
          + repository.roots.joined(separator: ", "))
    }
    return found
  }

  private func load(_ name: String, _ upload: ModelUpload) -> ServingError? {
    let sources: [ModelSource]
    do throws(ServingError) { sources = try self.sources(name, upload) } catch { return error }
    var failures: [(version: Int, reason: String)] = []
    for source in sources {
      let current = state.withLock { $0.directory.find(name, source.version) }
      if let current, current.serves, current.source.fingerprint == source.fingerprint,
        source.upload == nil
      {
        continue
      }
      let model = makeModel(source)
      if current == nil {
        state.withLock { $0.directory.put(model) }
        somethingChanged()
      }
      if let reason = load(model, mayEvict: true) { failures.append((source.version, reason)) }
    }
    forgetFailures(of: name, failures)
    guard failures.isEmpty else { return ModelManager.loadError(name, failures) }
    let actions = LifecyclePolicy.actions(wanted: sources, known: known(versions(of: name)))
    unload(actions)
    return nil
  }

  /// What never served is not kept: whoever asked for it is told why, and readiness is not touched.
  private func forgetFailures(of name: String, _ failures: [(version: Int, reason: String)]) {
    state.withLock { state in
      for (version, reason) in failures {
        if let model = state.directory.find(name, version), !model.serves {
          _ = state.directory.remove(name, version)
        }
        if !state.directory.holds(name, version) { state.past[name, default: [:]][version] = reason }
      }
    }
    if !failures.isEmpty { somethingChanged() }
  }

  private static func loadError(
    _ name: String, _ failures: [(version: Int, reason: String)]
  ) -> ServingError {
    let reasons = failures.map { "version \($0.version) failed to load: \($0.reason)" }
    return ServingError(
      .invalidArgument, "load failed for model '\(name)': \(reasons.joined(separator: "; "))")
  }

  private func unloadAll(of name: String) -> ServingError? {
    let served = versions(of: name)
    guard !served.isEmpty else {
      let isKnown = state.withLock { $0.past[name] != nil || $0.names.contains(name) }
      guard !isKnown else { return nil }
      return ServingError(
        .unknownModel, "failed to unload '\(name)': it is neither loaded nor in the model repository")
    }
    for model in served { unload(name, model.version) }
    return waitUntilUnloaded(served)
  }

  /// The memory is given back when this returns, unless requests still run.
  private func waitUntilUnloaded(_ models: [ServedModel]) -> ServingError? {
    let limit = configuration.loadSeconds > 0 ? min(configuration.loadSeconds, 10) : 10
    let end = clock.now() + Int64(limit * 1e9)
    while clock.now() < end, !state.withLock({ $0.isStopping }) {
      retire()
      let isDone = state.withLock { state in
        !state.retiring.contains { leaving in models.contains { $0 === leaving } }
      }
      if isDone { return nil }
      usleep(2_000)
    }
    return nil
  }
}

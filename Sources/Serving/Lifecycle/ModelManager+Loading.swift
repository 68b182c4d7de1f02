import Locks
import PluginHost
import Telemetry

/// Loading and unloading, on the manager's thread.
extension ModelManager {
  /// Brings what is served in line with what is on disk. False: something was seen that has to be seen again
  /// before it is loaded.
  func reconcile(isFirst: Bool) -> Bool {
    let snapshot = repository.scan()
    watcher.watch(snapshot.folders)
    let actions = LifecyclePolicy.actions(wanted: snapshot.sources, known: known(models))
    var isSettled = true
    var loads: [ModelSource] = []
    for case .load(let source) in actions {
      switch worth(of: source, isFirst: isFirst) {
      case .now: loads.append(source)
      case .later: isSettled = false
      case .never: break
      }
    }
    let arrivals = loads.map(makeModel)
    reportFaults(snapshot.faults)
    state.withLock { state in
      state.seen = Dictionary(snapshot.sources.map { ($0.path, $0.fingerprint) }, uniquingKeysWith: { $1 })
      state.names = RepositorySnapshot.names(of: snapshot.sources)
      for model in arrivals where !state.directory.holds(model.name, model.version) {
        state.directory.put(model)
      }
      state.hasScanned = true
    }
    somethingChanged()
    for model in arrivals {
      if state.withLock({ $0.isStopping }) { return true }
      load(model, mayEvict: !isFirst)
    }
    unload(LifecyclePolicy.actions(wanted: snapshot.sources, known: known(models)))
    return isSettled
  }

  func known(_ models: [ServedModel]) -> [LifecyclePolicy.Known] {
    models.map {
      LifecyclePolicy.Known(
        name: $0.name, version: $0.version, fingerprint: $0.source.fingerprint, isReady: $0.serves)
    }
  }

  private enum Worth { case now, later, never }

  /// A folder that changed is loaded once two scans in a row see it the same and no file in it looks like one
  /// that is still being copied. What was refused is not tried again until it changes.
  private func worth(of source: ModelSource, isFirst: Bool) -> Worth {
    if source.partialFile != nil {
      log.write(
        .debug, "not loaded while a file is being copied",
        [("model", source.name), ("file", source.partialFile ?? "")])
      return .never
    }
    return state.withLock { state in
      if isFirst { return .now }
      if state.refused[source.path] == source.fingerprint { return .never }
      return state.seen[source.path] == source.fingerprint ? .now : .later
    }
  }

  private func reportFaults(_ faults: [String]) {
    let news = state.withLock { state in
      defer { state.repositoryFaults = faults }
      return faults.filter { !state.repositoryFaults.contains($0) }
    }
    for fault in news { log.write(.warning, fault) }
  }

  /// Loads, warms up and publishes `model`; returns why it could not.
  ///
  /// - Parameter mayEvict: whether others may be unloaded to make room, where there is a budget. If not, a model
  ///   that finds no room sleeps until it is asked for.
  @discardableResult
  func load(_ model: ServedModel, mayEvict: Bool) -> String? {
    let fields = [("model", model.name), ("version", String(model.version))]
    let start = clock.now()
    for note in model.source.configuration.notes {
      log.write(.warning, "configuration: \(note)", fields)
    }
    var reason: String?
    do throws(PluginError) {
      guard try makeRoom(for: model, mayEvict: mayEvict) else {
        model.sleep()
        publish(model)
        return nil
      }
      try ready(model)
      model.loadTime = clock.now() - start
      countLoad(of: model, "success")
      let milliseconds = model.loadTime / 1_000_000
      log.write(.info, "model is ready", fields + [("milliseconds", String(milliseconds))])
    } catch {
      reason = error.message
      countLoad(of: model, "failure")
      model.fail(error.message)
      log.write(.error, "model was refused: \(error.message)", fields)
    }
    publish(model)
    return reason
  }

  private func ready(_ model: ServedModel) throws(PluginError) {
    let source = model.source
    let loaded = try ModelLoader.serve(
      source, locator: locator, services: services, server: configuration)
    let signature = try ConfiguredSignature(loaded.description, source.configuration)
    let warmUp = WarmUpRun(model: loaded, signature: signature)
    for one in source.configuration.warmUps { try warmUp.run(one) }
    if source.configuration.warmUps.isEmpty, configuration.warmsUp, let failure = warmUp.runDefault() {
      log.write(
        .info, "the warm-up with zeros failed, which need not mean anything: \(failure)",
        [("model", source.name), ("version", String(source.version))])
    }
    model.becomeReady(
      loaded, signature, turnLimit: source.configuration.executions(of: configuration.workerCount))
  }

  /// Puts `model` in the place of an older load of the same version. When it failed, a version that
  /// serves goes on serving.
  private func publish(_ model: ServedModel) {
    let replaced: ServedModel? = state.withLock { state in
      let old = state.directory.find(model.name, model.version)
      guard old !== model else { return nil }
      if let old, !model.serves && old.serves {
        state.refused[model.source.path] = model.source.fingerprint
        return nil
      }
      state.directory.put(model)
      calls.forget(model.name)
      if let old { state.retiring.append(old) }
      return old
    }
    somethingChanged()
    replaced?.beginUnload(refusesWaiting: false)
  }

  func unload(_ actions: [LifecycleAction]) {
    for case .unload(let name, let version) in actions { unload(name, version) }
  }

  func unload(_ name: String, _ version: Int) {
    let gone: ServedModel? = state.withLock { state in
      guard let gone = state.directory.remove(name, version) else { return nil }
      state.past[name, default: [:]][version] = "unloaded"
      calls.forget(name)
      state.retiring.append(gone)
      return gone
    }
    guard let gone else { return }
    somethingChanged()
    gone.beginUnload(refusesWaiting: false)
    log.write(.info, "model is unloading", [("model", name), ("version", String(version))])
  }
}

extension RepositorySnapshot {
  /// Each model's name once, in the order of `sources`.
  static func names(of sources: [ModelSource]) -> [String] {
    var names: [String] = []
    for source in sources where names.last != source.name { names.append(source.name) }
    return names
  }
}

import Locks
import PluginHost
import Telemetry

/// Models within a budget of memory: those that were not used for longest sleep, and are loaded again when they
/// are asked for.
extension ModelManager {
  /// Whether a model that is known may have to be loaded before it serves.
  public var letsModelsSleep: Bool { configuration.memoryBudget > 0 }

  /// Unloads models that were not used for longest until `model` fits; false if that would be needed and may not
  /// be done. Throws if it never fits.
  func makeRoom(for model: ServedModel, mayEvict: Bool) throws(PluginError) -> Bool {
    let budget = configuration.memoryBudget
    guard budget > 0 else { return true }
    guard model.byteEstimate <= budget else {
      throw PluginError(
        status: .outOfMemory,
        message: "the model needs \(model.byteEstimate) bytes; --memory-budget-bytes is \(budget)")
    }
    noteUses()
    var loaded = models.filter { $0 !== model && $0.isReady }
    loaded.sort { $0.lastUse > $1.lastUse }
    var used = loaded.reduce(0) { $0 + $1.byteEstimate }
    while used > budget - model.byteEstimate {
      guard mayEvict, let victim = loaded.popLast() else { return false }
      used -= victim.byteEstimate
      // Another load of the model itself is replaced, not put to sleep.
      if victim.name == model.name && victim.version == model.version { continue }
      putToSleep(victim)
    }
    return true
  }

  /// Notes which models were used since the last time.
  func noteUses() {
    let now = clock.now()
    for model in models where model.isReady { model.noteUse(at: now) }
  }

  private func putToSleep(_ model: ServedModel) {
    let sleeping = makeModel(model.source)
    sleeping.sleep()
    sleeping.byteEstimate = model.byteEstimate
    state.withLock { state in
      state.directory.put(sleeping)
      state.retiring.append(model)
    }
    somethingChanged()
    model.beginUnload(refusesWaiting: false)
    log.write(
      .info, "model sleeps: others needed the memory",
      [("model", model.name), ("version", String(model.version))])
  }

  /// Has a sleeping model loaded; `done` is called with why that failed, or nil, from any thread.
  public func awaken(_ name: String, version: Int, done: @escaping @Sendable (ServingError?) -> Void) {
    order(.awaken(version: version), of: name, done)
  }

  func awaken(_ name: String, _ version: Int) -> ServingError? {
    guard let known = state.withLock({ $0.directory.find(name, version) }) else {
      return ServingError(.unknownVersion, "model '\(name)' version \(version) is not there any more")
    }
    guard known.isAsleep else { return nil }
    return load(makeModel(known.source), mayEvict: true).map { ServingError(.notReady, $0) }
  }
}

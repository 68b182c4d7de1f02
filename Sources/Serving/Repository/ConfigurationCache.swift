import Locks

/// What configuration files said when they were last read, so that a scan reads only those that changed.
final class ConfigurationCache: Sendable {
  private struct Read {
    var fingerprint: UInt64
    var configuration: ModelConfiguration
    var fault: String?
  }

  private struct List {
    var fingerprint: UInt64
    var models: [ListedModel]
    var fault: String?
  }

  private struct State {
    var models: [String: Read] = [:]
    var lists: [String: List] = [:]
  }

  private let state = Lock(State())

  /// The configuration of the model in `folder`, or the default and what is wrong with it.
  func configuration(
    _ folder: String, _ fingerprint: UInt64, read: () throws -> ModelConfiguration
  ) -> (ModelConfiguration, fault: String?) {
    if let known = state.withLock({ $0.models[folder] }), known.fingerprint == fingerprint {
      return (known.configuration, known.fault)
    }
    var fresh = Read(fingerprint: fingerprint, configuration: ModelConfiguration())
    do { fresh.configuration = try read() } catch { fresh.fault = "\(error)" }
    let kept = fresh
    state.withLock { state in
      // Folders come and go; what is forgotten is read again.
      if state.models.count >= ModelRepository.maximumModels { state.models = [:] }
      state.models[folder] = kept
    }
    return (fresh.configuration, fresh.fault)
  }

  /// The models that the file `path` lists; while it does not read, those that it listed before.
  func list(_ path: String, _ reader: any ConfigurationReading) -> (models: [ListedModel], fault: String?) {
    var now = Fingerprint()
    if let entry = FileSystem.entry(at: path) { now.combine(entry) }
    let known = state.withLock { $0.lists[path] }
    if let known, known.fingerprint == now.value { return (known.models, known.fault) }
    var fresh = List(fingerprint: now.value, models: known?.models ?? [])
    do { fresh.models = try reader.models(listedIn: path) } catch { fresh.fault = "\(error)" }
    let kept = fresh
    state.withLock { $0.lists[path] = kept }
    return (fresh.models, fresh.fault)
  }
}

/// What the manager is to do next.
enum LifecycleAction: Equatable {
  case load(ModelSource)
  case unload(name: String, version: Int)
}

/// Decides, from what is on disk and what is served, what to do. Holds no state and does nothing.
enum LifecyclePolicy {
  /// A version as the manager knows it.
  struct Known: Equatable {
    var name: String
    var version: Int
    var fingerprint: UInt64
    var isReady: Bool
  }

  /// New and changed versions are loaded; what is no longer wanted is unloaded, but the last ready
  /// version of a model that is still on disk stays until another of its versions is ready.
  static func actions(wanted: [ModelSource], known: [Known]) -> [LifecycleAction] {
    let knownByKey = Dictionary(known.map { (Key($0.name, $0.version), $0) }, uniquingKeysWith: { $1 })
    var actions: [LifecycleAction] = []
    for source in wanted where knownByKey[Key(source.name, source.version)]?.fingerprint != source.fingerprint
    {
      actions.append(.load(source))
    }
    let wantedKeys = Set(wanted.map { Key($0.name, $0.version) })
    let wantedNames = Set(wanted.map(\.name))
    for one in known where !wantedKeys.contains(Key(one.name, one.version)) {
      let isReplaced = known.contains {
        $0.name == one.name && $0.isReady && wantedKeys.contains(Key($0.name, $0.version))
      }
      if isReplaced || !one.isReady || !wantedNames.contains(one.name) {
        actions.append(.unload(name: one.name, version: one.version))
      }
    }
    return actions
  }

  private struct Key: Hashable {
    var name: String
    var version: Int

    init(_ name: String, _ version: Int) {
      self.name = name
      self.version = version
    }
  }
}

import PluginHost

/// What readiness asks of the models.
///
/// At the start every version of every model counts, or of those that are required. Once all of them have been
/// tried, a model is as ready as its best version, and a model that appears later counts only if it is
/// required: neither a new version that is being loaded nor a bad file in a folder that is shared by all servers
/// may take servers that serve out of their load balancer.
struct Readiness {
  /// Names of the models that must serve; empty for all that were there at the start.
  var required: [String]
  /// Names that were there at the start; nil until each has been tried.
  var initial: Set<String>?

  /// A sentence for each thing that keeps the server from being ready.
  func reasons(_ models: [ServedModel]) -> [String] {
    let byName = Dictionary(grouping: models, by: \.name)
    let missing = required.filter { byName[$0] == nil }.map { "model '\($0)' is required and is not there" }
    return missing
      + byName.keys.sorted().filter(counts).flatMap { name -> [String] in
        let versions = byName[name] ?? []
        if initial != nil, versions.contains(where: { $0.serves && $0.worker?.fault == nil }) { return [] }
        return versions.compactMap(Self.reason)
      }
  }

  private func counts(_ name: String) -> Bool {
    required.isEmpty ? initial?.contains(name) ?? true : required.contains(name)
  }

  private static func reason(_ model: ServedModel) -> String? {
    let subject = "model '\(model.name)' version \(model.version)"
    switch model.state {
    case .ready: return model.worker?.fault.map { "\(subject): \($0)" }
    case .unloading, .unloaded: return nil
    case .loading: return "\(subject) is loading"
    case .failed(let reason): return "\(subject) failed to load: \(reason)"
    }
  }
}

/// The models by name, newest version first.
struct ModelDirectory {
  private(set) var versions: [String: [ServedModel]] = [:]
  /// All of them in order; nil after a change.
  private var ordered: [ServedModel]?

  /// Every version of every model, by name, newest first.
  var all: [ServedModel] {
    mutating get {
      if let ordered { return ordered }
      let list = versions.keys.sorted().flatMap { versions[$0] ?? [] }
      ordered = list
      return list
    }
  }

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
    ordered = nil
  }

  mutating func remove(_ name: String, _ version: Int) -> ServedModel? {
    let gone = find(name, version)
    versions[name]?.removeAll { $0.version == version }
    if versions[name]?.isEmpty == true { versions[name] = nil }
    ordered = nil
    return gone
  }
}

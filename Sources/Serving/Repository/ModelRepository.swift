/// Folders of models: `<root>/<model>/<version>/…`, with the model's configuration beside the versions, and
/// models that lists name.
///
/// A model's folder name is its name; a version's folder name is a positive whole number. Other
/// files and folders are none of the repository's business.
public struct ModelRepository: Sendable {
  public static let maximumModels = 100_000
  static let maximumFilesPerVersion = 10_000
  static let maximumFolderDepth = 8

  public let roots: [String]
  /// Files that list models by name and folder.
  public let lists: [String]
  let reader: any ConfigurationReading
  /// Where plugins lie that several models share; nil: a change of theirs is not looked for.
  private let plugins: PluginLocator?
  private let cache = ConfigurationCache()

  public init(
    roots: [String], lists: [String] = [], reader: any ConfigurationReading, plugins: PluginLocator? = nil
  ) {
    self.plugins = plugins
    self.roots = roots
    self.lists = lists
    self.reader = reader
  }

  /// Every version that is to be served, and the reasons why models on disk cannot be.
  public func scan() -> RepositorySnapshot {
    var snapshot = RepositorySnapshot()
    for place in places(&snapshot.faults) { addModel(place, to: &snapshot) }
    snapshot.folders += plugins?.directories ?? []
    snapshot.folders += roots + lists.map { String($0[..<($0.lastIndex(of: "/") ?? $0.startIndex)]) }
    return snapshot
  }

  /// The names of all models, without a look into their folders.
  public func modelNames() -> [String] {
    var faults: [String] = []
    return places(&faults).map(\.name)
  }

  /// The versions of one model that are to be served; nil if there is no such model.
  func sources(of name: String) -> [ModelSource]? {
    var faults: [String] = []
    guard let place = places(&faults).first(where: { $0.name == name }) else { return nil }
    var snapshot = RepositorySnapshot()
    addModel(place, to: &snapshot)
    return snapshot.sources
  }

  /// The versions of the one model in the folder `path`.
  public func readModel(at path: String) -> [ModelSource] {
    let trimmed = path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path
    let name = trimmed.split(separator: "/").last.map(String.init) ?? trimmed
    var snapshot = RepositorySnapshot()
    addModel(Place(name: name, path: trimmed), to: &snapshot)
    return snapshot.sources
  }

  /// The versions of a model with a configuration and, where `upload` has any, files that a client sent.
  func sources(of name: String, configuration text: String, upload: UploadedModel?) -> [ModelSource]? {
    var faults: [String] = []
    let known = places(&faults).first { $0.name == name }
    guard let path = upload?.path ?? known?.path else { return nil }
    var snapshot = RepositorySnapshot()
    var place = Place(name: name, path: path)
    place.sentText = text
    addModel(place, to: &snapshot)
    return snapshot.sources.map { source in
      var source = source
      source.upload = upload
      return source
    }
  }

  // MARK: - Where models are

  private struct Place {
    var name: String
    var path: String
    var listed: ListedModel?
    /// The configuration that a client sent.
    var sentText: String?
  }

  /// The folder of each model; of two of one name, that of the earlier list or repository.
  private func places(_ faults: inout [String]) -> [Place] {
    var places: [Place] = []
    var origins: [String: String] = [:]
    func add(_ place: Place, from origin: String) {
      if let earlier = origins.updateValue(origin, forKey: place.name) {
        origins[place.name] = earlier
        faults.append("model '\(place.name)' in \(origin) is hidden by one of the same name in \(earlier)")
      } else if places.count < ModelRepository.maximumModels {
        places.append(place)
      }
    }
    for list in lists {
      let (models, fault) = cache.list(list, reader)
      if let fault { faults.append(fault) }
      for model in models { add(Place(name: model.name, path: model.path, listed: model), from: list) }
    }
    for root in roots {
      guard let entries = FileSystem.entries(of: root) else {
        faults.append(
          "model repository \(root) cannot be read: it is no folder, or has no permission to read")
        continue
      }
      for entry in entries where entry.isDirectory {
        add(Place(name: entry.name, path: root + "/" + entry.name), from: root)
      }
    }
    return places
  }

  // MARK: - A model's versions

  private func addModel(_ place: Place, to snapshot: inout RepositorySnapshot) {
    snapshot.folders.append(place.path)
    let entries = FileSystem.entries(of: place.path) ?? []
    let versions = entries.filter(\.isDirectory).compactMap { ModelRepository.version(ofFolder: $0.name) }
    if versions.isEmpty {
      snapshot.add(
        ModelSource(
          name: place.name, version: 1, path: place.path,
          fault: "\(place.path) has no version folder: put the model's files in \(place.path)/1"))
      return
    }
    let (configuration, fault, base) = configuration(of: place, entries: entries)
    let chosen = configuration.versionPolicy.choose(from: versions)
    for version in chosen {
      var source = ModelSource(
        name: place.name, version: version, path: "\(place.path)/\(version)", configuration: configuration,
        fault: fault)
      var contents = FolderContents(fingerprint: base)
      contents.add(source.path)
      if let plugin = sharedPlugin(of: configuration, contents, &snapshot) {
        contents.fingerprint.combine(plugin)
      }
      source.fingerprint = contents.fingerprint.value
      source.byteCount = contents.byteCount
      source.partialFile = contents.partialFile
      snapshot.folders += contents.folders
      snapshot.add(source)
    }
    if chosen.isEmpty, case .specific(let wanted) = configuration.versionPolicy {
      snapshot.add(
        ModelSource(
          name: place.name, version: wanted.first ?? 1, path: place.path,
          fault:
            "\(place.path) has versions \(versions.sorted().map(String.init).joined(separator: ", ")), and "
            + "the version policy wants \(wanted.map(String.init).joined(separator: ", "))"))
    }
  }

  /// The file of a plugin that the version shares with others: when that changes, the version is loaded anew.
  private func sharedPlugin(
    of configuration: ModelConfiguration, _ contents: FolderContents, _ snapshot: inout RepositorySnapshot
  ) -> FileSystem.Entry? {
    guard let plugins, let name = configuration.plugin ?? (contents.hasOwnPlugin ? nil : contents.kind) else {
      return nil
    }
    if let known = snapshot.plugins[name] { return known }
    let entry = (try? plugins.find(name, wantedBy: "")).flatMap { FileSystem.entry(at: $0, name: name) }
    snapshot.plugins[name] = .some(entry)
    return entry
  }

  /// What is configured for a model, why that does not read, and a fingerprint of where it was read.
  private func configuration(
    of place: Place, entries: [FileSystem.Entry]
  ) -> (ModelConfiguration, fault: String?, Fingerprint) {
    var base = Fingerprint()
    for entry in entries where !entry.isDirectory { base.combine(entry) }
    if entries.contains(where: { $0.name == "warmup" && $0.isDirectory }) {
      for entry in FileSystem.entries(of: place.path + "/warmup") ?? [] { base.combine(entry) }
    }
    if let text = place.sentText { base.combine(text) }
    if let listed = place.listed {
      base.combine(
        "\(listed.versionLabels.sorted { $0.key < $1.key }) \(String(describing: listed.versionPolicy))")
    }
    var (configuration, fault) = cache.configuration(place.path, base.value) {
      guard let text = place.sentText else {
        return try reader.configuration(ofModel: place.name, in: place.path)
      }
      return try reader.configuration(ofModel: place.name, in: place.path, text: text)
    }
    if let listed = place.listed {
      if let policy = listed.versionPolicy { configuration.versionPolicy = policy }
      configuration.versionLabels.merge(listed.versionLabels) { $1 }
      configuration.notes += listed.notes
    }
    return (configuration, fault, base)
  }

  /// The version that a folder holds: its name is a positive number, written as numbers are.
  private static func version(ofFolder name: String) -> Int? {
    guard let version = Int(name), version > 0, String(version) == name else { return nil }
    return version
  }
}

/// What a scan found.
public struct RepositorySnapshot: Sendable {
  public private(set) var sources: [ModelSource] = []
  /// What is wrong with the repository itself.
  public internal(set) var faults: [String] = []
  /// Every folder that was looked into.
  var folders: [String] = []
  /// The files of plugins that several models share, by name; nil: there is none.
  var plugins: [String: FileSystem.Entry?] = [:]

  public init() {}

  mutating func add(_ source: ModelSource) { sources.append(source) }
}

/// What lies in a version folder, however deep.
private struct FolderContents {
  var fingerprint: Fingerprint
  var byteCount = 0
  var partialFile: String?
  private(set) var folders: [String] = []
  /// Whether there is a `plugin.so`, and X of the first `model.X`.
  private(set) var hasOwnPlugin = false
  private(set) var kind: String?
  private var filesLeft = ModelRepository.maximumFilesPerVersion

  init(fingerprint: Fingerprint) { self.fingerprint = fingerprint }

  mutating func add(_ folder: String, depth: Int = 0) {
    guard depth < ModelRepository.maximumFolderDepth else { return }
    folders.append(folder)
    for name in FileSystem.names(in: folder) ?? [] {
      guard filesLeft > 0 else { return }
      filesLeft -= 1
      if FileSystem.isPartial(name), partialFile == nil { partialFile = folder + "/" + name }
      guard !name.hasPrefix("."), let entry = FileSystem.entry(at: folder + "/" + name, name: name) else {
        continue
      }
      fingerprint.combine(entry)
      if entry.isDirectory {
        add(folder + "/" + name, depth: depth + 1)
      } else {
        byteCount += entry.size
        if depth == 0, name == "plugin.so" { hasOwnPlugin = true }
        if depth == 0, kind == nil, name.hasPrefix("model.") { kind = String(name.dropFirst(6)) }
      }
    }
  }
}

/// Folders of models: `<root>/<model>/<version>/…`, with an optional `<root>/<model>/model.json`.
///
/// A model's folder name is its name; a version's folder name is a positive whole number. Other
/// files and folders are none of the repository's business.
public struct ModelRepository: Sendable {
  /// Reads a `model.json`; throws a message that says what is wrong in it. The caller brings it:
  /// `Serving` knows no JSON.
  public typealias ConfigurationReader = @Sendable (_ path: String) throws -> ModelConfiguration

  public static let maximumModels = 100_000
  static let maximumFilesPerVersion = 10_000
  static let maximumFolderDepth = 8

  public let roots: [String]
  private let readConfiguration: ConfigurationReader

  public init(roots: [String], readConfiguration: @escaping ConfigurationReader) {
    self.roots = roots
    self.readConfiguration = readConfiguration
  }

  /// Every version that is to be served, and the reasons why models on disk cannot be.
  public func scan() -> RepositorySnapshot {
    var snapshot = RepositorySnapshot()
    for root in roots {
      guard let entries = FileSystem.entries(of: root) else {
        snapshot.faults.append(
          "model repository \(root) cannot be read: it is no folder, or has no permission to read")
        continue
      }
      for entry in entries where entry.isDirectory && snapshot.modelCount < ModelRepository.maximumModels {
        if snapshot.holds(entry.name) {
          snapshot.faults.append(
            "model '\(entry.name)' in \(root) is hidden by one of the same name in an earlier repository")
          continue
        }
        addModel(entry.name, at: root + "/" + entry.name, to: &snapshot)
      }
    }
    return snapshot
  }

  /// The versions of the one model in the folder `path`.
  public func readModel(at path: String) -> [ModelSource] {
    var snapshot = RepositorySnapshot()
    let trimmed = path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path
    let name = trimmed.split(separator: "/").last.map(String.init) ?? trimmed
    addModel(name, at: trimmed, to: &snapshot)
    return snapshot.sources
  }

  private func addModel(_ name: String, at path: String, to snapshot: inout RepositorySnapshot) {
    let versions = (FileSystem.entries(of: path) ?? []).filter(\.isDirectory).compactMap {
      ModelRepository.version(ofFolder: $0.name)
    }
    if versions.isEmpty {
      snapshot.add(
        ModelSource(
          name: name, version: 1, path: path,
          fault: "\(path) has no version folder: put the model's files in \(path)/1"))
      return
    }
    var configuration = ModelConfiguration()
    var fault: String?
    let configurationPath = path + "/model.json"
    var base = Fingerprint()
    if let entry = FileSystem.entry(at: configurationPath, name: "model.json") {
      base.combine(entry)
      do { configuration = try readConfiguration(configurationPath) } catch {
        fault = "\(configurationPath): \(error)"
      }
    }
    for version in configuration.versionPolicy.choose(from: versions) {
      let folder = "\(path)/\(version)"
      var fingerprint = base
      var left = ModelRepository.maximumFilesPerVersion
      combine(folder, depth: 0, filesLeft: &left, into: &fingerprint)
      snapshot.add(
        ModelSource(
          name: name, version: version, path: folder, configuration: configuration, fault: fault,
          fingerprint: fingerprint.value))
    }
  }

  /// The version that a folder holds: its name is a positive number, written as numbers are.
  private static func version(ofFolder name: String) -> Int? {
    guard let version = Int(name), version > 0, String(version) == name else { return nil }
    return version
  }

  private func combine(
    _ folder: String, depth: Int, filesLeft: inout Int, into fingerprint: inout Fingerprint
  ) {
    guard depth < ModelRepository.maximumFolderDepth else { return }
    for entry in FileSystem.entries(of: folder) ?? [] {
      guard filesLeft > 0 else { return }
      filesLeft -= 1
      fingerprint.combine(entry)
      if entry.isDirectory {
        combine(folder + "/" + entry.name, depth: depth + 1, filesLeft: &filesLeft, into: &fingerprint)
      }
    }
  }
}

/// What a scan found.
public struct RepositorySnapshot: Sendable {
  public private(set) var sources: [ModelSource] = []
  /// What is wrong with the repository itself.
  public internal(set) var faults: [String] = []
  private var names: Set<String> = []

  public init() {}

  var modelCount: Int { names.count }

  func holds(_ name: String) -> Bool { names.contains(name) }

  mutating func add(_ source: ModelSource) {
    sources.append(source)
    names.insert(source.name)
  }
}

/// Reads what operators write about models. `Serving` knows no file formats, so the caller brings it.
///
/// What is thrown describes itself: which setting of which file is wrong, and how.
public protocol ConfigurationReading: Sendable {
  /// The configuration files of the model in `folder`, as far as there are any.
  func configuration(ofModel name: String, in folder: String) throws -> ModelConfiguration
  /// A configuration that a client sent along with a model: a JSON object.
  func configuration(ofModel name: String, in folder: String, text: String) throws -> ModelConfiguration
  /// The models that the file `path` lists.
  func models(listedIn path: String) throws -> [ListedModel]
}

/// A model whose folder a list names.
public struct ListedModel: Sendable, Equatable {
  public var name: String
  /// The folder with the version folders.
  public var path: String
  /// Nil: as the model's own configuration says.
  public var versionPolicy: VersionPolicy?
  public var versionLabels: [String: Int] = [:]
  public var notes: [String] = []

  public init(name: String, path: String) {
    self.name = name
    self.path = path
  }
}

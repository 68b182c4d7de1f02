/// A version of a model as it lies on disk.
public struct ModelSource: Sendable, Equatable {
  public var name: String
  public var version: Int
  /// The version folder.
  public var path: String
  public var configuration: ModelConfiguration
  /// Why this version cannot even be tried: its configuration does not read, for example.
  public var fault: String?
  /// Changes when a file of the version or the model's configuration changes.
  public var fingerprint: UInt64
  /// Bytes of the version's files.
  public var byteCount = 0
  /// A file that a copy in progress left there: the version is not whole yet.
  public var partialFile: String?
  /// Where the files are, if a client sent them; kept as long as the version.
  var upload: UploadedModel?

  public init(
    name: String, version: Int, path: String, configuration: ModelConfiguration = ModelConfiguration(),
    fault: String? = nil, fingerprint: UInt64 = 0
  ) {
    self.name = name
    self.version = version
    self.path = path
    self.configuration = configuration
    self.fault = fault
    self.fingerprint = fingerprint
  }
}

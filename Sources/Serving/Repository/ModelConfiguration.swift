public import PluginHost

/// What an operator says of a model beside what the model says of itself.
public struct ModelConfiguration: Sendable, Equatable {
  /// The plugin's name; nil: found by what lies in the version folder.
  public var plugin: String?
  /// What clients are told as the model's platform; nil: what the model says of itself.
  public var platform: String?
  /// Passed to the plugin as it is: a JSON object.
  public var parameters = "{}"
  public var versionPolicy = VersionPolicy.latest(1)
  /// Names that clients may use in place of a version's number.
  public var versionLabels: [String: Int] = [:]
  /// The version that requests without one get while it is ready; nil: the newest that is ready.
  public var defaultVersion: Int?
  /// Narrows the batch size that the model allows; 1 switches batching off.
  public var maximumBatch: Int?
  /// Executions of the model that may run at once; nil: what the server allows.
  public var instances: Int?
  /// Cores that all executions of the model together may use; nil: what the server has.
  public var cores: Int?
  /// With which values inputs are filled up, by name, so that requests of different lengths share a batch.
  public var padValues: [String: Double] = [:]
  /// Bytes that remembered answers may take; nil: none are.
  public var cacheBytes: Int?
  /// Inputs and outputs that the operator describes; empty: as the model describes them.
  public var inputs: [TensorSettings] = []
  public var outputs: [TensorSettings] = []
  /// How requests are put together; nil: as the server's flags say.
  public var batching: BatchingSettings?
  /// How requests belong together; nil: each stands for itself.
  public var sequences: SequenceSettings?
  /// What is executed before the first request; empty: the server's default.
  public var warmUps: [WarmUp] = []
  /// Where the plugin is executed.
  public var isolation = IsolationSettings()
  /// Settings that were read and have no effect, each with the reason and its line.
  public var notes: [String] = []

  public init() {}

  /// How many executions may run at once where there are so many workers.
  func executions(of workers: Int) -> Int { max(min(workers, instances ?? workers, cores ?? workers), 1) }

  /// How many threads each of them may use: those of `cores`, shared out.
  func threads(of workers: Int) -> Int { cores.map { max($0 / executions(of: workers), 1) } ?? .max }
}

/// Which of the versions on disk are to be served.
public enum VersionPolicy: Sendable, Equatable {
  case latest(Int)
  case all
  case specific([Int])

  /// The versions to serve out of `available`, ascending.
  public func choose(from available: [Int]) -> [Int] {
    let ascending = available.sorted()
    switch self {
    case .latest(let count): return Array(ascending.suffix(max(count, 0)))
    case .all: return ascending
    case .specific(let wanted): return ascending.filter(wanted.contains)
    }
  }
}

public import Scheduling

/// What an operator says of a model beside what the model says of itself.
public struct ModelConfiguration: Sendable, Equatable {
  /// The plugin's name; nil: found by what lies in the version folder.
  public var plugin: String?
  /// Passed to the plugin as it is: a JSON object.
  public var parameters = "{}"
  public var versionPolicy = VersionPolicy.latest(1)
  /// Narrows the batch size that the model allows; 1 switches batching off.
  public var maximumBatch: Int?
  /// Executions of the model that may run at once; nil: what the server allows.
  public var instances: Int?
  /// Nanoseconds that a batch may be held back for more rows while the model is idle; 0: never.
  public var linger: Int64 = 0
  /// What holds for each level of priority, the most important first; one level: priorities make no difference.
  public var levels = [LevelPolicy()]
  /// The level, from 1, of requests that name none.
  public var defaultLevel = 1
  /// Bytes that remembered answers may take; nil: none are.
  public var cacheBytes: Int?

  public init() {}
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

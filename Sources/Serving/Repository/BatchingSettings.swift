/// How requests of a model wait and are put together. Times in nanoseconds.
public struct BatchingSettings: Sendable, Equatable {
  /// How long a batch may be held back for more rows while the model is idle; 0: never.
  public var maximumDelay: Int64 = 0
  /// Levels of priority, the most important first; empty: one level, `defaultQueue`.
  public var levels: [QueueSettings] = []
  /// The level, from 1, of requests that name none; 0: the middle one.
  public var defaultLevel = 0
  public var defaultQueue = QueueSettings()
  /// Batches that may wait to be run; nil: what the server allows.
  public var maximumEnqueuedBatches: Int?

  public init() {}
}

/// What holds for the requests of one level of priority.
public struct QueueSettings: Sendable, Equatable {
  /// What happens to a request that waits longer than `timeout`.
  public enum TimeoutAction: Sendable, Equatable { case reject, delay }

  public var timeoutAction = TimeoutAction.reject
  /// How long a request may wait; it may ask for less. 0: no limit.
  public var timeout: Int64 = 0
  /// Requests that may wait; 0: what the server allows.
  public var maximumSize = 0

  public init() {}
}

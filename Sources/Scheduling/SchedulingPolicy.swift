/// Within what the work for one model waits, and how it is put together.
public struct SchedulingPolicy: Sendable, Equatable {
  /// Rows that one batch may hold; nil: nothing is stacked, and a turn takes one piece of work, or a train of them.
  public var maximumRows: Int?
  /// Pieces of work that a turn may take to do one after the other where nothing is stacked: where handing over
  /// costs more than short work itself.
  public var trainLimit = 1
  /// Nanoseconds that a train may be expected to take.
  public var trainTime: Int64 = 0
  /// Batches that may run at once.
  public var turnLimit = 1
  /// What may wait at most.
  public var requests = 4096
  public var bytes = 1 << 30
  /// Nanoseconds that work may be expected to wait; 0 for no limit.
  public var wait: Int64 = 0
  /// Nanoseconds that a batch may be held back for more rows while a turn is free; 0: never.
  public var linger: Int64 = 0
  /// What holds for each level of priority, the most important first. Never empty.
  public var levels = [LevelPolicy()]
  /// The level, counted from 1, of work that names none or one that does not exist.
  public var defaultLevel = 1
  /// Within what sequences are kept; nil: work belongs to none.
  public var sequences: SequencePolicy?

  public init() {}

  /// The index of the level that work of this priority belongs to.
  func level(priority: Int) -> Int {
    let level = (1...levels.count).contains(priority) ? priority : defaultLevel
    return min(max(level, 1), levels.count) - 1
  }
}

/// What holds for work of one level of priority.
public struct LevelPolicy: Sendable, Equatable {
  /// What happens to work that still waits at its deadline.
  public enum TimeoutAction: String, Sendable, CaseIterable {
    /// It is refused.
    case reject
    /// It goes on waiting, behind all that is not late.
    case delay
  }

  /// What may wait of this level; 0: as much as of all of them.
  public var requests = 0
  /// Nanoseconds that work of this level may wait if it does not say itself; it may ask for less. 0: no limit.
  public var timeout: Int64 = 0
  public var timeoutAction = TimeoutAction.reject

  public init() {}
}

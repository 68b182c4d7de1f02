public import Scheduling

/// What is known of the executions of one size. Times in nanoseconds.
public struct BatchSizeStatistics: Sendable {
  public var rows: Int
  public var executions = 0
  /// In which batches were put together.
  public var assembly: Int64 = 0
  public var execute: Int64 = 0

  public init(rows: Int) { self.rows = rows }
}

/// What became of the requests of one version of a model. Times in nanoseconds.
public struct ModelStatistics: Sendable {
  public struct Sum: Sendable {
    public var count = 0
    public var nanoseconds: Int64 = 0

    public init(count: Int = 0, nanoseconds: Int64 = 0) {
      self.count = count
      self.nanoseconds = nanoseconds
    }
  }

  public var succeeded = Sum()
  public var failed = Sum()
  public var cancelled = 0
  public var queue = Sum()
  public var assembly = Sum()
  public var execute = Sum()
  public var cacheHit = Sum()
  public var cacheMiss = Sum()
  public var executions = 0
  public var rows = 0
  /// By size, ascending.
  public var batches: [BatchSizeStatistics] = []
  /// Batches from the queue, by why they had the size that they had.
  public var releases: [ReleaseReason: Int] = [:]
  /// When something was executed last, on the monotonic clock; 0: never.
  public var lastExecution: Int64 = 0

  public init() {}
}

/// The executions on workers, by size. Those at once on event loops are what the counters hold besides.
struct BatchStatistics {
  private static let maximumSizes = 1024
  private(set) var sizes: [Int: BatchSizeStatistics] = [:]

  mutating func add(rows: Int, executions: Int = 1, assembly: Int64, execute: Int64) {
    guard sizes[rows] != nil || sizes.count < Self.maximumSizes else { return }
    sizes[rows, default: BatchSizeStatistics(rows: rows)].executions += executions
    sizes[rows, default: BatchSizeStatistics(rows: rows)].assembly += assembly
    sizes[rows, default: BatchSizeStatistics(rows: rows)].execute += execute
  }
}

/// How a model puts batches together, and what of that it did last.
public struct BatchingState: Sendable {
  public var policy: SchedulingPolicy
  /// The last batches, the oldest first.
  public var history: [BatchRecord]
  public var waiting: Int
  /// Nanoseconds that a request of now would wait, as far as is known.
  public var predictedWait: Int64
}

/// What the scheduler has to know of a piece of work.
public protocol Schedulable {
  /// Rows of dimension 0; 0 is possible.
  var rows: Int { get }
  /// Bytes it holds while it waits.
  var byteCount: Int { get }
  /// Nanoseconds, of the clock whose time the scheduler is told; 0 for none.
  var deadline: Int64 { get }
  /// As the client gave it: 1 is the most important, 0 stands for the model's default.
  var priority: Int { get }
  /// Whose it is; 0 for nobody's in particular.
  var client: UInt64 { get }
  /// Equal for work of equal shapes.
  var shapeHash: Int { get }
  /// Whether both may run in one batch.
  func hasShape(of other: Self) -> Bool
  /// Whether nobody waits for it any more.
  var isCancelled: Bool { get }
}

/// Why a batch was released with the rows that it has.
public enum ReleaseReason: String, Sendable, CaseIterable {
  /// It holds as many rows as are served best at once.
  case full
  /// A turn was free, and nothing else waited.
  case idle
  /// More rows would have taken it past the deadline of one of them.
  case deadline
  /// What waited besides has other shapes.
  case shape
  /// It was held back for more, and the time for that was over.
  case linger
}

/// Why work that waited is not executed.
public enum DropCause: Sendable, Equatable {
  case cancelled
  /// Its deadline has passed.
  case expired
  /// It could not have ended before its deadline any more, and others can.
  case hopeless
}

/// Why work was not let in.
public struct Refusal: Error, Sendable, Equatable {
  public enum Cause: Sendable, Equatable {
    /// So many wait for the model already; the limit.
    case requests(waiting: Int, limit: Int)
    case levelRequests(level: Int, waiting: Int, limit: Int)
    case bytes(waiting: Int, limit: Int)
    /// The client has more waiting than its share of what is left.
    case clientShare(requests: Int)
    /// It would wait longer than is allowed, in nanoseconds.
    case wait(predicted: Int64, limit: Int64)
    /// It would end too late, by so many nanoseconds.
    case deadline(predicted: Int64)
  }

  public var cause: Cause
  /// Nanoseconds in which what waits now will have been served, as far as is known.
  public var retryAfter: Int64
}

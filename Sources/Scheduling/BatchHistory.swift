/// One batch, as it was decided on. Times in nanoseconds.
public struct BatchRecord: Sendable {
  public var ticket: Int
  public var releasedAt: Int64
  public var rows: Int
  public var requests: Int
  public var reason: ReleaseReason
  /// How long its oldest had waited.
  public var oldestWait: Int64
  /// Requests that were given up for it: it would have been too late for them, or too small for the others.
  public var givenUp: Int
  /// What was left waiting.
  public var leftWaiting: Int
  /// How long it was thought to take; nil: nothing was known.
  public var predicted: Int64?
  /// How long it took; nil while it runs.
  public var duration: Int64?
}

/// The last batches of a model.
public struct BatchHistory: Sendable {
  public static let capacity = 32
  private var slots: [BatchRecord] = []
  private var next = 0

  init() {}

  /// The oldest first.
  public var records: [BatchRecord] { Array(slots[next...] + slots[..<next]) }

  mutating func released(_ record: BatchRecord) {
    guard slots.count == Self.capacity else { return slots.append(record) }
    slots[next] = record
    next = (next + 1) % Self.capacity
  }

  mutating func finished(_ ticket: Int, at now: Int64) {
    guard let index = slots.lastIndex(where: { $0.ticket == ticket }) else { return }
    slots[index].duration = now - slots[index].releasedAt
  }
}

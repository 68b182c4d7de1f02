/// A sequence's name, as its clients give it.
public enum SequenceID: Hashable, Sendable, CustomStringConvertible {
  case number(UInt64)
  case text(String)

  public var description: String {
    switch self {
    case .number(let number): "\(number)"
    case .text(let text): "'\(text)'"
    }
  }
}

/// The place of one piece of work in a sequence: work that is executed in order of arrival, one at a time.
///
/// An object, since most work belongs to no sequence, and since it is known again by its identity.
public final class SequenceUse: Sendable {
  public let id: SequenceID
  /// Whether the sequence begins with it, and whatever was kept for the id before is void.
  public let isStart: Bool
  public let isEnd: Bool

  public init(id: SequenceID, isStart: Bool = false, isEnd: Bool = false) {
    self.id = id
    self.isStart = isStart
    self.isEnd = isEnd
  }
}

/// Within what a model keeps sequences.
public struct SequencePolicy: Sendable, Equatable {
  /// How many there may be at once.
  public var limit: Int
  /// Nanoseconds after its last answer in which a sequence has to go on, or is ended.
  public var idle: Int64

  public init(limit: Int, idle: Int64) {
    self.limit = limit
    self.idle = idle
  }
}

/// The sequences that have begun and not ended, and what of them has to wait for its turn in its sequence.
struct SequenceTable<Job: Schedulable> {
  struct Entry {
    /// What of it waits or runs; nil: nothing does.
    var current: SequenceUse?
    /// Whether its end has been taken in.
    var isEnding: Bool
    var lastUse: Int64
    /// What comes after `current`, in order of arrival.
    var held: [(entry: Waiting<Job>, level: Int)] = []

    func isIdle(at now: Int64, _ policy: SequencePolicy) -> Bool {
      current == nil && now - lastUse > policy.idle
    }
  }

  private(set) var entries: [SequenceID: Entry] = [:]
  private(set) var heldCount = 0
  private(set) var heldBytes = 0

  var count: Int { entries.count }

  /// Takes `entry` into its sequence, which admits it. True: it is the sequence's turn; false: it is held.
  mutating func take(_ entry: Waiting<Job>, _ use: SequenceUse, level: Int) -> Bool {
    if use.isStart {
      entries[use.id] = Entry(current: use, isEnding: use.isEnd, lastUse: entry.arrival)
      return true
    }
    if use.isEnd { entries[use.id]?.isEnding = true }
    guard entries[use.id]?.current != nil else {
      entries[use.id]?.current = use
      return true
    }
    entries[use.id]?.held.append((entry, level))
    counted(entry, 1)
    return false
  }

  /// `use` is done, and others of its sequence may be.
  ///
  /// - Returns: false if nothing of the sequence depended on it: it was held, or the sequence is another by now.
  mutating func finish(_ use: SequenceUse, at now: Int64) -> Bool {
    guard entries[use.id]?.current === use else { return false }
    entries[use.id]?.current = nil
    entries[use.id]?.lastUse = now
    return true
  }

  /// The next of what is held of a sequence of which nothing waits or runs.
  mutating func popHeld(_ id: SequenceID) -> (entry: Waiting<Job>, level: Int)? {
    guard let held = entries[id]?.held, !held.isEmpty else { return nil }
    entries[id]?.held.removeFirst()
    counted(held[0].entry, -1)
    return held[0]
  }

  mutating func goOn(_ id: SequenceID, with use: SequenceUse?) { entries[id]?.current = use }

  /// Ends a sequence.
  ///
  /// - Returns: what was held of it.
  mutating func remove(_ id: SequenceID) -> [Waiting<Job>] {
    let held = entries.removeValue(forKey: id)?.held.map(\.entry) ?? []
    for entry in held { counted(entry, -1) }
    return held
  }

  /// Takes out of what is held what `isGone` says of.
  mutating func removeHeld(where isGone: (Waiting<Job>) -> Bool) -> [Waiting<Job>] {
    guard heldCount > 0 else { return [] }
    var gone: [Waiting<Job>] = []
    for (id, entry) in entries where !entry.held.isEmpty {
      let leaving = entry.held.map(\.entry).filter(isGone)
      guard !leaving.isEmpty else { continue }
      entries[id]?.held.removeAll { candidate in
        leaving.contains { $0.sequence == candidate.entry.sequence }
      }
      gone += leaving
    }
    for entry in gone { counted(entry, -1) }
    return gone
  }

  private mutating func counted(_ entry: Waiting<Job>, _ sign: Int) {
    heldCount += sign
    heldBytes += sign * entry.job.byteCount
  }
}

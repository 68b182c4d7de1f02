/// What a client calls a sequence.
public enum SequenceID: Hashable, Sendable, CustomStringConvertible {
  case number(UInt64)
  case text(String)

  public var description: String {
    switch self {
    case .number(let number): String(number)
    case .text(let text): text.utf8.count > 128 ? String(text.prefix(64)) + "…" : text
    }
  }
}

/// Which sequence a request belongs to, and whether it is its first or its last.
public struct SequenceStep: Sendable, Equatable {
  public var id: SequenceID
  public var isStart: Bool
  public var isEnd: Bool

  public init(id: SequenceID, isStart: Bool = false, isEnd: Bool = false) {
    self.id = id
    self.isStart = isStart
    self.isEnd = isEnd
  }
}

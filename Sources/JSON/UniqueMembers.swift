/// Notices a second member of one name, for callers that know the names: one bit each.
public struct UniqueMembers {
  private var seen: UInt64 = 0

  public init() {}

  /// Notes the member that the caller numbers `index` (below 64). Throws when it was there before.
  public mutating func note(
    _ index: Int, _ name: String, path: String = "", offset: Int
  ) throws(JSONError) {
    precondition(index >= 0 && index < 64, "a member has a number below 64")
    let bit: UInt64 = 1 << UInt64(index)
    guard seen & bit == 0 else {
      throw JSONError(message: "expected '\(name)' once, got it twice", path: path, offset: offset)
    }
    seen |= bit
  }
}

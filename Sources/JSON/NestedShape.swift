import Tensors

/// The shape that the nesting of the first elements gives, while a nested value is read, and
/// TensorFlow Serving's words for where the rest departs from it.
struct NestedShape {
  private static let unknown = -1

  /// Known once the first element, or an empty list, was met.
  private(set) var rank: Int?
  private var sizes = InlineArray<8, Int>(repeating: NestedShape.unknown)
  /// The lists that are open, and how many elements each had so far.
  private(set) var level = 0
  private var counts = InlineArray<8, Int>(repeating: 0)

  /// Enters a list.
  mutating func open() -> String? {
    if let rank, level >= rank { return "Encountered list at unexpected level: \(level) expected < \(rank)" }
    guard level < Shape.maximumRank else {
      return "expected at most \(Shape.maximumRank) dimensions, got more"
    }
    counts[level] = 0
    level += 1
    return nil
  }

  /// An element is due in the innermost list, or outside of all. Nil when it may stand there.
  mutating func requireElementLevel() -> Int? {
    guard let rank else {
      rank = level
      return nil
    }
    return level == rank ? nil : rank
  }

  /// Counts elements of the innermost list.
  mutating func count(_ elements: Int) { counts[level - 1] += elements }

  /// Leaves the innermost list, which must be as long as the first one of its level.
  mutating func close() -> String? {
    let length = counts[level - 1]
    if length == 0, rank == nil { rank = level }
    level -= 1
    if sizes[level] == NestedShape.unknown { sizes[level] = length }
    guard length == sizes[level] else {
      return
        "Encountered list at unexpected size: \(length) at level: \(level) expected size: \(sizes[level])"
    }
    return nil
  }

  /// The path to the element that is read now.
  func place(in path: String) -> String {
    (0..<level).reduce(path) { "\($0)[\(counts[$1])]" }
  }

  /// The shape of a value that was read whole.
  var shape: Shape { Shape((0..<(rank ?? 0)).map { sizes[$0] }) }
}

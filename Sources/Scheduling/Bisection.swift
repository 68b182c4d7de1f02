/// What is executed of a batch that may fail as a whole: all of it, then halves of what failed, until what is at
/// fault is alone.
public struct Bisection<Job> {
  private var parts: [[Job]]

  public init(_ batch: [Job]) { parts = batch.isEmpty ? [] : [batch] }

  /// What to execute next, in the order of the batch; nil: all was.
  public mutating func next() -> [Job]? { parts.popLast() }

  /// Has what was left open of a part that failed executed next: in halves, or alone. Precondition: the part held
  /// more than one; what fails alone is at fault.
  public mutating func failed(leaving open: [Job]) {
    guard open.count > 1 else { return parts.append(open) }
    let middle = open.count / 2
    parts.append(Array(open[middle...]))
    parts.append(Array(open[..<middle]))
  }
}

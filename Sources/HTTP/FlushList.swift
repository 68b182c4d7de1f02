/// Connections whose answers are written and not sent yet.
///
/// To send wakes the client, which then often takes the loop's processor from it: on a machine that clients share,
/// and on a virtual one, where the interrupt to another processor is slow, that costs as much as the request. So a
/// loop that has several events at once sends what it answered to the small ones of them together: after `patience`,
/// and before it takes up a request that is not small.
///
/// Confined to the loop's thread.
struct FlushList {
  /// Connections that wait at most.
  private static let limit = 32
  /// How long the first of them waits while others are answered, in nanoseconds.
  private static let patience: Int64 = 400_000
  /// Larger answers do not wait, in bytes.
  static let mostBytes = 16_384

  private var connections: [Connection] = []
  private var taken = 0
  private var due = Int64.max

  /// False if there are too many.
  mutating func add(_ connection: Connection, now: Int64) -> Bool {
    guard connections.count < Self.limit else { return false }
    if connections.isEmpty { due = now + Self.patience }
    connections.append(connection)
    return true
  }

  func isDue(at now: Int64) -> Bool { now >= due }

  /// Takes the oldest out.
  mutating func next() -> Connection? {
    due = .max
    guard taken < connections.count else {
      connections.removeAll(keepingCapacity: true)
      taken = 0
      return nil
    }
    defer { taken += 1 }
    return connections[taken]
  }
}

/// Decides whether a loop that has nothing to do looks for events for a moment before it sleeps.
///
/// To wake a thread on an idle processor takes longer than a small request. A client that sends its next
/// request when it has the answer to its last is answered sooner by a loop that is still awake. That costs
/// the time it looks, so it is done only while one client has the server to itself and has come back quickly
/// several times; the first time it does not, the loop sleeps at once again.
struct BusyPoll {
  /// Quick returns in a row after which polling begins.
  private static let proof = 8

  /// The longest time to look, in nanoseconds; 0 never polls.
  let limit: Int64
  private var quickReturns = 0

  init(limit: Int64) { self.limit = limit }

  var isWorthwhile: Bool { quickReturns >= Self.proof }

  /// A wait is over after `time` nanoseconds.
  ///
  /// - Parameter isAlone: the connection that was served before the wait sent again, and no other of the server did.
  mutating func waited(_ time: Int64, isAlone: Bool) {
    quickReturns = isAlone && time <= limit ? min(quickReturns + 1, Self.proof) : 0
  }
}

/// Decides whether a loop that has nothing to do looks for events for a moment before it sleeps.
///
/// To wake a thread on an idle processor takes longer than a small request. A client that sends its next
/// request when it has the answer to its last is answered sooner by a loop that is still awake. That costs
/// the time it looks, so it is done only while one client has the server to itself and has come back quickly
/// several times; the first time it does not, the loop sleeps at once again.
///
/// A turn is one wait and the events that ended it.
struct BusyPoll {
  /// Quick returns in a row after which polling begins.
  private static let proof = 8

  /// The longest time to look, in nanoseconds; 0 never polls.
  let limit: Int64
  /// The number that the loop's last turn had among those of all loops.
  private(set) var lastTurn = 0
  private var quickReturns = 0
  private var lastServed: ObjectIdentifier?
  /// What this turn had so far.
  private var eventCount = 0
  private var hasOtherClient = false

  init(limit: Int64) { self.limit = limit }

  var isWorthwhile: Bool { quickReturns >= Self.proof }
  var isTurnEmpty: Bool { eventCount == 0 }

  mutating func beginTurn() {
    eventCount = 0
    hasOtherClient = false
  }

  /// An event came for a connection.
  mutating func served(_ connection: ObjectIdentifier) {
    eventCount += 1
    guard lastServed != connection else { return }
    lastServed = connection
    hasOtherClient = true
  }

  /// Events have ended a wait of `time` nanoseconds, as turn `number` of all loops.
  mutating func endTurn(after time: Int64, number: Int) {
    let isAlone = eventCount == 1 && !hasOtherClient && number == lastTurn + 1
    lastTurn = number
    quickReturns = isAlone && time <= limit ? min(quickReturns + 1, Self.proof) : 0
  }
}
